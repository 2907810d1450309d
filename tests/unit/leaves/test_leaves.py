"""Tables, files, cache and the code of a stage."""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from gather_shards import gather_pictures

from darkroom import tables, thumbnails
from darkroom.cache import Cache, cache_key, code_version, remember
from darkroom.errors import UserError
from darkroom.files import link_or_copy, replacing, sha256_bytes, sha256_file
from darkroom.stage_code import imported_packages, stage_code
from darkroom.tables import gather_tables, read_table, write_table

SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_tables_are_canonical(tmp_path: Path) -> None:
    rows = [{"photo": "b", "score": 1 / 3, "ok": True}, {"photo": "a", "score": None, "ok": False}]
    write_table(tmp_path / "one.csv", ["photo", "score", "ok"], rows)
    write_table(tmp_path / "two.csv", ["photo", "score", "ok"], reversed(rows))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert (tmp_path / "one.csv").read_text() == "photo,score,ok\na,,false\nb,0.333333,true\n"


def test_a_row_must_fit_its_table(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row has"):
        write_table(tmp_path / "one.csv", ["photo"], [{"photo": "a", "extra": 1}])
    assert list(tmp_path.iterdir()) == []


def test_odd_names_survive_a_table(tmp_path: Path) -> None:
    name = 'a,"b"\nc é'
    write_table(tmp_path / "one.csv", ["path"], [{"path": name}])
    assert read_table(tmp_path / "one.csv") == [{"path": name}]


def test_shards_gather_to_the_same_table_whatever_their_number(tmp_path: Path) -> None:
    rows = [{"photo": f"{number:02d}", "value": number} for number in range(9)]
    for count in (1, 3):
        paths = []
        for shard in range(count):
            path = tmp_path / f"{count}-{shard}.csv"
            write_table(path, ["photo", "value"], rows[shard::count])
            paths.append(path)
        gather_tables(paths, tmp_path / f"all-{count}.csv")
    assert (tmp_path / "all-1.csv").read_bytes() == (tmp_path / "all-3.csv").read_bytes()


def test_checkpoints_gather_in_their_own_order_with_their_pictures(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("base", "900", "1000")]
    for folder in folders:
        folder.mkdir()
        (folder / f"{folder.name}.png").write_bytes(folder.name.encode())
        write_table(folder.with_suffix(".csv"), ["step", "file"], [{"step": folder.name, "file": f"{folder.name}.png"}])
    rows = gather_tables([folder.with_suffix(".csv") for folder in folders], tmp_path / "all.csv", keep_order=True)
    assert read_table(tmp_path / "all.csv") == rows
    assert [row["step"] for row in rows] == ["base", "900", "1000"]
    assert gather_pictures(rows, folders, tmp_path / "all") == 3
    assert (tmp_path / "all" / "900.png").read_bytes() == b"900"
    (folders[1] / "900.png").unlink()
    with pytest.raises(UserError, match=r"^900.png is missing in .*base, .*900, .*1000; delete what of these"):
        gather_pictures(rows, folders, tmp_path / "again")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["file.txt"]


def test_hashes_agree(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_file(tmp_path / "x") == sha256_bytes(b"abc")
    assert sha256_bytes(b"abc").startswith("ba7816bf")


def test_links_replace_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("new")
    (tmp_path / "link").write_text("old")
    link_or_copy(tmp_path / "source", tmp_path / "link")
    assert (tmp_path / "link").read_text() == "new"


def test_only_missing_results_are_computed(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def compute(names: list[str]) -> Iterator[tuple[str, int]]:
        asked.append(names)
        for name in names:
            yield name, len(name)

    cache = Cache(tmp_path)
    keys = {name: cache_key(photo=name) for name in ("a", "bb")}
    assert remember(cache, keys, compute) == ({"a": 1, "bb": 2}, 2)
    keys["ccc"] = cache_key(photo="ccc")
    assert remember(cache, keys, compute) == ({"a": 1, "bb": 2, "ccc": 3}, 1)
    assert remember(cache, keys, compute)[1] == 0
    assert asked == [["a", "bb"], ["ccc"]]


def test_results_before_a_crash_are_kept(tmp_path: Path) -> None:
    def compute(names: list[str]) -> Iterator[tuple[str, int]]:
        yield names[0], 1
        raise RuntimeError

    cache = Cache(tmp_path)
    keys = {name: cache_key(photo=name) for name in ("a", "b")}
    with pytest.raises(RuntimeError):
        remember(cache, keys, compute)
    assert cache.load(keys["a"]) == 1
    assert cache.load(keys["b"]) is None


def test_every_part_decides_a_key() -> None:
    assert cache_key(a=1, b=2) == cache_key(b=2, a=1)
    assert len({cache_key(a=1), cache_key(a=2), cache_key(b=1), cache_key(a="1")}) == 4
    assert len(code_version(tables)) == 64


def test_a_code_version_knows_the_packages_that_the_code_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    assert imported_packages(Path(str(thumbnails.__file__))) == {"PIL"}
    installed = code_version(thumbnails)
    version = metadata.version
    for package, same in (("pillow", False), ("torch", True)):
        code_version.cache_clear()
        monkeypatch.setattr(metadata, "version", lambda name, new=package: "99" if name == new else version(name))
        assert (code_version(thumbnails) == installed) is same
    code_version.cache_clear()


def test_stage_code_follows_imports(tmp_path: Path) -> None:
    package = tmp_path / "darkroom"
    (package / "room").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "room/__init__.py": "",
        "room/used.py": "def f():\n    from darkroom.room import deep\n",
        "room/deep.py": "import darkroom.leaf\n",
        "room/unused.py": "",
        "leaf.py": "",
    }.items():
        (package / name).write_text(text)
    script = tmp_path / "stage.py"
    script.write_text("import json\nfrom darkroom.room.used import f\n")
    names = {str(path.relative_to(package)) for path in stage_code(script, tmp_path)}
    assert names == {"room/__init__.py", "room/used.py", "room/deep.py", "leaf.py"}


def test_a_stage_does_not_depend_on_another_rooms_settings() -> None:
    for name in ("mask_subjects", "train_lora", "caption_photos"):
        files = {path.name for path in stage_code(SCRIPTS / f"{name}.py", SCRIPTS)}
        assert "config.py" not in files
        assert "command.py" in files
