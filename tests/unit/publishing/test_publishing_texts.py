"""Model card and comparison: true, and nothing in a caption or name becomes markup."""

from pathlib import Path

import yaml

from darkroom.portable_paths import portable
from darkroom.publishing.comparison import Run, comparison, comparison_text, differing_settings
from darkroom.publishing.lora_files import Choice
from darkroom.publishing.model_card import code_span, escape, fenced, front_matter
from darkroom.publishing.provenance import code_record


def test_text_is_escaped() -> None:
    assert escape("a_b <i>*x*</i>\n| [l](u)") == r"a\_b \<i\>\*x\*\</i\> \| \[l\]\(u\)"
    assert code_span("plain") == "`plain`"
    assert code_span("`tick``s`") == "``` `tick``s` ```"
    assert fenced("a ````\nb").startswith("`````text\n")


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


def run(name: str, rank: int, step: int) -> Run:
    scores = [
        {"step": "0", "strength": "0", "likeness": "0.2", "prompt_following": "0.9"},
        {"step": "100", "strength": "1", "likeness": "0.6", "prompt_following": "0.8", "likeness_se": "0.01"},
        {"step": "200", "strength": "1", "likeness": "0.7", "prompt_following": "0.7", "likeness_se": "0.02"},
    ]
    validation = [{"step": "0", "loss": "0.5"}, {"step": "100", "loss": "0.4"}, {"step": "200", "loss": "0.3"}]
    log = [{"step": str(number), "loss": "0.5" if number <= 180 else "0.25"} for number in range(1, 201)]
    return Run(
        "pocket", name, {"rank": rank, "seed": 0, "prompts": ["a"]}, Choice(step, 1.0, ""), scores, validation, log
    )


def test_runs_show_what_differs_and_the_chosen_figures() -> None:
    columns, rows = comparison([run("wide|run", 16, 200), run("main", 8, 100)])
    assert columns[:5] == ["target", "run", "rank", "chosen_step", "chosen_strength"] and "seed" not in columns
    main, wide = rows
    assert (main["run"], main["rank"], main["likeness"], main["likeness_base"]) == ("main", "8", "0.6", "0.2")
    assert (wide["loss_before"], wide["loss_after"], wide["training_loss"]) == (0.5, 0.3, 0.25)
    assert round(wide["loss_change"], 6) == -0.4
    text = comparison_text(columns, rows, "my_box")
    assert "# Runs of my\\_box" in text and "wide\\|run" in text and "| -0.4 |" in text


def test_one_run_differs_from_nobody() -> None:
    columns, rows = comparison([run("main", 8, 100)])
    assert columns[:3] == ["target", "run", "chosen_step"] and len(rows) == 1
    assert differing_settings([{"a": 1}, {"a": 1, "b": 2}]) == ["b"]


def test_front_matter_is_yaml_whatever_the_trigger() -> None:
    phrase = "a: 'b' # ${c}\n---"
    values = yaml.safe_load(front_matter("owner/base", phrase, "object"))
    assert values["instance_prompt"] == phrase and values["base_model"] == "owner/base"
