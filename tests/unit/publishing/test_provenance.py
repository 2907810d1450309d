"""The provenance: paths and code told alike wherever they lie."""

from pathlib import Path

from darkroom.publishing.provenance import code_record
from darkroom.storage.portable_paths import portable


def test_paths_lose_what_is_not_ours_to_tell(tmp_path: Path) -> None:
    given = {"a": "/home/me/photos", "b": ["~/x/y", "relative/path", 3, None, "../me/z"], "c": {"d": "owner/model"}}
    told = {"a": "photos", "b": ["y", "relative/path", 3, None, "z"], "c": {"d": "owner/model"}}
    assert portable(given, tmp_path) == told
    assert portable({"prompts": ["/imagine ../this"]}, tmp_path) == {"prompts": ["/imagine ../this"]}
    assert portable(f"{tmp_path}/resources/model", tmp_path) == "resources/model", (
        "the checkout's paths are everybody's"
    )
    assert portable(f"{tmp_path}/../secret/model", tmp_path) == "model"


def test_the_code_has_one_hash_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "scripts").mkdir(parents=True)
        (tmp_path / name / "scripts" / "module.py").write_text("x = 1\n")
    assert code_record(tmp_path / "one") == code_record(tmp_path / "two")
    (tmp_path / "two" / "scripts" / "module.py").write_text("x = 2\n")
    assert code_record(tmp_path / "one")["sha256"] != code_record(tmp_path / "two")["sha256"]
