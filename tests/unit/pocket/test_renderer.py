"""Renders: the same every time and in any company, with masks and boxes that agree."""

import torch

from darkroom.pocket.renderer import render
from darkroom.pocket.toys import TOYS
from darkroom.pocket.world import sample_painted, sample_scene, sample_subject

SCENES = [sample_scene(seed) for seed in range(24)] + [sample_subject(0), sample_painted(0)]


def test_rendering_twice_gives_the_same_bytes():
    one, other = render(SCENES, 48, 32), render(SCENES, 48, 32)
    for made, again in zip(one, other, strict=True):
        assert torch.equal(made, again)


def test_a_picture_does_not_depend_on_its_neighbours():
    together = render(SCENES, 48, 32)[0]
    for index in (0, 7, 24):
        alone = render([SCENES[index]], 48, 32)[0][0]
        assert (alone.int() - together[index].int()).abs().max() <= 1


def test_shapes_types_and_every_toy_is_seen():
    pictures, masks, boxes = render(SCENES, 80, 48)
    assert pictures.shape == (len(SCENES), 48, 80, 3) and pictures.dtype == torch.uint8
    assert masks.shape == (len(SCENES), 48, 80) and masks.dtype == torch.uint8
    assert boxes.shape == (len(SCENES), 4)
    assert ((masks > 127).sum((1, 2)) > 40).all()


def test_boxes_hold_their_masks_tightly():
    _, masks, boxes = render(SCENES, 64, 64)
    for mask, (x0, y0, x1, y1) in zip(masks >= 128, boxes.int().tolist(), strict=True):
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        for edge in (mask[y0], mask[y1 - 1], mask[:, x0], mask[:, x1 - 1]):
            assert edge.any()


def test_masks_cover_the_toy_and_nothing_else():
    """Without its toy, a picture differs inside the mask, its shadow aside nowhere else."""
    scene = sample_scene(4)
    picture, mask, _ = render([scene], 64, 64)
    hidden = TOYS[scene.shape]
    try:
        TOYS[scene.shape] = []
        empty, nothing, _ = render([scene], 64, 64)
    finally:
        TOYS[scene.shape] = hidden
    assert nothing.max() == 0
    changed = (picture.int() - empty.int()).abs().amax(-1)[0]
    assert (changed[mask[0] == 255] > 2).float().mean() > 0.9
    assert (changed[mask[0] == 0] <= 2).float().mean() > 0.5


def test_masks_have_soft_edges():
    _, masks, _ = render(SCENES[:4], 64, 64)
    assert ((masks > 0) & (masks < 255)).sum((1, 2)).min() > 10


def test_a_squeezed_view_is_a_wide_view():
    wide, squeezed = render(SCENES, 120, 80)[1], render(SCENES, 80, 80, aspect=1.5)[1]
    shares = (wide.float().mean((1, 2)) - squeezed.float().mean((1, 2))).abs() / 255
    assert shares.max() < 0.01
