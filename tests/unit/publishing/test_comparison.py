"""Runs side by side, read from their records: what differs, and the chosen figures."""

from pathlib import Path

from table_rows import logged_step, score, validation

from darkroom.contracts.choice import Choice
from darkroom.contracts.evaluation_tables import Score
from darkroom.contracts.run_record import RunRecord, read_run, write_run
from darkroom.evaluation.run_results import figures
from darkroom.publishing.comparison import comparison, comparison_text, differing_settings
from darkroom.storage.frames import frame_of


def run(folder: Path, name: str, rank: int, step: int) -> RunRecord:
    """The record of a run, written and read."""
    scores = [
        score(0, 0.0),
        score(100, 1.0, likeness=0.6, likeness_se=0.01, prompt_following=0.8),
        score(200, 1.0, likeness=0.7, likeness_se=0.02, prompt_following=0.7),
    ]
    validations = [validation(0, 0.5), validation(100, 0.4), validation(200, 0.3)]
    log = [logged_step(number, 0.5 if number <= 180 else 0.25) for number in range(1, 201)]
    table = frame_of(scores, Score)
    result = figures(Choice(step, 1.0, ""), table, validations, log)
    settings = {"rank": rank, "seed": 0, "prompts": ["a"]}
    write_run(folder / "run.json", RunRecord("pocket", name, settings, result))
    return read_run(folder / "run.json")


def test_runs_show_what_differs_and_the_chosen_figures(tmp_path: Path) -> None:
    columns, rows = comparison([run(tmp_path, "wide|run", 16, 200), run(tmp_path, "main", 8, 100)])
    assert columns[:5] == ["target", "run", "rank", "chosen_step", "chosen_strength"] and "seed" not in columns
    main, wide = rows
    assert (main["run"], main["rank"], main["likeness"], main["likeness_base"]) == ("main", "8", 0.6, 0.2)
    assert (wide["loss_before"], wide["loss_after"], wide["training_loss"]) == (0.5, 0.3, 0.25)
    assert round(wide["loss_change"], 6) == -0.4
    text = comparison_text(columns, rows, "my_box")
    assert "# Runs of my\\_box" in text and "wide\\|run" in text and "| -0.4 |" in text


def test_one_run_differs_from_nobody(tmp_path: Path) -> None:
    columns, rows = comparison([run(tmp_path, "main", 8, 100)])
    assert columns[:3] == ["target", "run", "chosen_step"] and len(rows) == 1
    assert differing_settings([{"a": 1}, {"a": 1, "b": 2}]) == ["b"]
