"""The grid."""

from dataclasses import replace
from pathlib import Path

from evaluated import evaluated
from PIL import Image
from table_rows import rendered_sample

from darkroom.contracts.choice import Choice
from darkroom.evaluation.sample_grid import draw_grid


def test_grid_has_a_row_per_prompt_and_a_column_per_variant(tmp_path: Path) -> None:
    samples = []
    for step in (0, 100):
        for number, control in ((1, False), (2, True)):
            name = f"{step}-{number}.png"
            Image.new("RGB", (64, 64), (2 * step, 100 * number, 0)).save(tmp_path / name)
            about = {"step": step, "strength": float(step > 0), "number": number, "control": control}
            samples.append(rendered_sample(**about, prompt=f"prompt {number}", file=name))
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), (1, 2, 3)).save(photo)
    choice = Choice(100, 1.0, "the best")
    samples += [replace(sample, seed=1, file="not drawn.png") for sample in samples]
    scores, _ = evaluated((0, 0.0, 1, 1), (100, 0.3, 1, 1))
    grid = draw_grid(samples, scores, choice, tmp_path, [photo] * 5)
    colours = {colour for _, colour in grid.getcolors(maxcolors=1 << 20) or []}
    assert {(0, 100, 0), (0, 200, 0), (200, 100, 0), (200, 200, 0), (1, 2, 3)} <= colours
    assert grid.width > 2 * 144 and grid.height > 3 * 144
