"""The curves of a training: its loss, the validation losses, and the learning rate, by steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from darkroom.contracts.training_tables import LoggedStep, Validation
from darkroom.imaging.contact_sheet import AMBER, EMPTY, GREEN, GREY, INK, PAPER, Colour

WIDTH, PANEL, LEFT, GAP = 900, 260, 78, 34
FONT = 13
BLUE: Colour = (52, 98, 168)
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A named curve; with `marks` its points are marked, too."""

    name: str
    colour: Colour
    points: Points
    marks: bool = False


def draw_curves(log: Sequence[LoggedStep], validation: Sequence[Validation]) -> Image.Image:
    """Draw the rows of log.csv and validation.csv as three panels, one above the other. Returns an RGB picture."""
    loss = [(row.step, row.loss) for row in log]
    window = max(1, len(log) // 20)
    smooth = [(step, sum(y for _, y in loss[max(0, i + 1 - window) : i + 1])) for i, (step, _) in enumerate(loss)]
    smooth = [(step, total / min(window, i + 1)) for i, (step, total) in enumerate(smooth)]
    split = validation[-1].split.replace("_", " ") if validation else ""
    untriggered = _changes([(row.step, row.untriggered_loss) for row in validation])
    losses = [Line("of a step", EMPTY if window > 1 else BLUE, loss)]
    panels = [
        ("training loss", [*losses, Line(f"mean of {window} steps", BLUE, smooth)] if window > 1 else losses),
        (
            "validation loss against the base model, in %: the same frames, noise and timesteps each time",
            [
                Line(f"{split} frames", GREEN, _changes([(row.step, row.loss) for row in validation]), marks=True),
                Line("without the trigger", AMBER, untriggered, marks=True),
                Line("prior pictures", GREY, _changes([(row.step, row.prior_loss) for row in validation]), marks=True),
            ],
        ),
        ("learning rate", [Line("as it moves the weights", BLUE, [(row.step, row.lr) for row in log])]),
    ]
    picture = Image.new("RGB", (WIDTH, len(panels) * PANEL), PAPER)
    draw, last_step = ImageDraw.Draw(picture), max((step for step, _ in loss), default=1.0)
    for index, (title, lines) in enumerate(panels):
        _draw_panel(draw, index * PANEL, title, [line for line in lines if line.points], last_step)
    return picture


def _changes(losses: Iterable[tuple[int, float | None]]) -> Points:
    """A loss, where it was measured, as its change since the first, in percent."""
    points = [(step, loss) for step, loss in losses if loss is not None]
    return [(step, 100 * (value / points[0][1] - 1) if points[0][1] else 0.0) for step, value in points]


def _draw_panel(draw: ImageDraw.ImageDraw, top: int, title: str, lines: Sequence[Line], last_step: float) -> None:
    """One panel: title and names of the curves above, the scale at the left, steps below."""
    font = ImageFont.load_default(size=FONT)
    values = [y for line in lines for _, y in line.points] or [0.0]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    above, below = top + 2 * GAP, top + PANEL - GAP

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across = LEFT + point[0] / last_step * (WIDTH - LEFT - GAP)
        return across, below - (point[1] - low) / (high - low) * (below - above)

    draw.text((LEFT, top + 8), title, INK, font)
    for share in (0.0, 0.5, 1.0):
        value = low + share * (high - low)
        height = at((0, value))[1]
        draw.line([(LEFT, height), (WIDTH - GAP, height)], EMPTY)
        draw.text((LEFT - 8, height), f"{value:.3g}", INK, font, anchor="rm")
        draw.text((at((share * last_step, low))[0], below + 6), f"{share * last_step:.0f}", INK, font, anchor="ma")
    across = float(LEFT)
    for line in lines:
        dots = [at(point) for point in line.points]
        draw.line(dots, line.colour, width=2)
        for x, y in dots if line.marks or len(dots) == 1 else []:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), line.colour)
        draw.rectangle((across, top + 36, across + 12, top + 42), line.colour)
        draw.text((across + 18, top + 39), line.name, INK, font, anchor="lm")
        across += 42 + font.getlength(line.name)
