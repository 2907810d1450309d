"""The grid of an evaluation: a row per prompt, a column per checkpoint and strength, the chosen one marked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from darkroom.contracts.checkpoint_files import VariantKey
from darkroom.contracts.choice import Choice
from darkroom.contracts.rendered_tables import RenderedSample
from darkroom.imaging.contact_sheet import GREEN, Cell, draw_sheet

SMALLEST_SIDE, LARGEST_SIDE = 144, 320


def draw_grid(
    samples: Sequence[RenderedSample], scores: pd.DataFrame, choice: Choice, folder: Path, photos: Sequence[Path]
) -> Image.Image:
    """Draw the first sample of each prompt, with held-out photos of the subject as the first row to compare with."""
    columns = list(dict.fromkeys((sample.step, sample.strength) for sample in samples))
    score_of = {(row["step"], row["strength"]): row for row in scores.to_dict("records")}
    chosen = (choice.step, choice.strength)
    first_seed = min((sample.seed for sample in samples), default=0)
    shown = [sample for sample in samples if sample.seed == first_seed]
    lines = list(dict.fromkeys((sample.number, sample.prompt, sample.control) for sample in shown))
    file_of = {(sample.step, sample.strength, sample.number): sample.file for sample in shown}
    rows = [[Cell(_open(path)) for path in photos[: len(columns)]]] if photos else []
    labels = ["photos kept aside"] if photos else []
    for number, prompt, control in lines:
        cells = []
        for column in columns:
            picture = _open(folder / file_of[*column, number])
            cells.append(Cell(picture, border=GREEN if column == chosen else None))
        rows.append(cells)
        labels.append(f"{prompt} (control)" if control else prompt)
    side = max(SMALLEST_SIDE, min(LARGEST_SIDE, max(cell.picture.width for cell in rows[-1] if cell.picture)))
    heads = [_head(column, score_of.get(column), column == chosen) for column in columns]
    title = [f"chosen: step {chosen[0]} at strength {chosen[1]:g}", choice.reason]
    return draw_sheet(rows, side, title=title, column_labels=heads, row_labels=labels)


def _open(path: Path) -> Image.Image:
    with Image.open(path) as file:
        return file.convert("RGB")


def _head(variant: VariantKey, score: Mapping[Any, Any] | None, chosen: bool) -> str:
    """What stands above a column: step, strength and scores."""
    step, strength = variant
    words = ["base model" if step == 0 else f"step {step}, strength {strength:g}"]
    if chosen:
        words.insert(0, "CHOSEN:")
    if score is not None:
        words.append(f"likeness {score['likeness']:.2f} ± {score['likeness_se']:.2f}")
    if score is not None and pd.notna(score["prompt_following"]):
        words.append(f"prompts {score['prompt_following']:.2f}")
    if score is not None and pd.notna(score["control_following"]):
        words.append(f"controls {score['control_following']:.2f}")
    return ", ".join(words).replace("CHOSEN:,", "CHOSEN:")
