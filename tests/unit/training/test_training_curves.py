"""The picture of a training."""

from table_rows import logged_step, validation

from darkroom.imaging.contact_sheet import GREEN
from darkroom.training.training_curves import BLUE, draw_curves


def test_curves_fall_where_losses_fall() -> None:
    log = [logged_step(step, 1 - step / 100) for step in range(50)]
    picture = draw_curves(log, [validation(step, 0.5 - step / 10, untriggered_loss=0.5) for step in range(3)])
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
    assert draw_curves([logged_step(1, 0.5, lr=0.0)], []).size == (900, 780)
