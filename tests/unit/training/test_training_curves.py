"""The picture of a training."""

from typing import Any

from darkroom.imaging.contact_sheet import GREEN
from darkroom.training.training_curves import BLUE, draw_curves


def rows(steps: int, **columns: Any) -> list[dict[str, str]]:
    return [{"step": str(step), **{name: str(value(step)) for name, value in columns.items()}} for step in range(steps)]


def test_curves_fall_where_losses_fall() -> None:
    log = rows(50, loss=lambda step: 1 - step / 100, lr=lambda step: 1e-4)
    validation = rows(
        3,
        loss=lambda step: 0.5 - step / 10,
        untriggered_loss=lambda step: 0.5,
        prior_loss=lambda step: "",
        split=lambda step: "held_out",
    )
    picture = draw_curves(log, validation)
    pixels = {colour: [] for colour in (BLUE, GREEN)}  # type: dict[Any, list[tuple[int, int]]]
    for x in range(80, picture.width):
        for y in range(60, picture.height):
            colour = picture.getpixel((x, y))
            if colour in pixels and y % 260 > 60:
                pixels[colour].append((x, y))
    loss = [point for point in pixels[BLUE] if point[1] < 260]
    assert min(loss)[1] < max(loss)[1]
    assert min(pixels[GREEN])[1] < max(pixels[GREEN])[1]


def test_a_training_of_one_step_is_drawn() -> None:
    log = [{"step": "1", "loss": "0.5", "lr": "0"}]
    assert draw_curves(log, []).size == (900, 780)
