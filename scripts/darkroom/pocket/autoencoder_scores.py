"""Measures the pocket autoencoder: how much of fresh renders survives a round trip, and every hue by itself."""

from typing import Any

import cv2
import numpy as np
import torch

from darkroom.pocket.renderer import render
from darkroom.pocket.scoring import Mean, mean_of
from darkroom.pocket.surfaces import PAINTS
from darkroom.pocket.world import COLOURS, SPLITS, SUBJECT, Scene, sample_painted, sample_scene, sample_subject

FIRST_SEED = SPLITS["test"] + 50_000
SIDE = 64
INSIDE = 200  # mask values of pixels that show nothing but the toy


@torch.inference_mode()
def round_trip(autoencoder: Any, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures uint8 (B, H, W, 3) through the autoencoder and back, as float32 0..255."""
    values = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    back = autoencoder.decode(autoencoder.encode(values).latent_dist.mean).sample
    return (back.clamp(-1, 1).permute(0, 2, 3, 1) + 1) * 127.5


def score_round_trips(autoencoder: Any, count: int) -> dict[str, Mean]:
    """PSNR in dB of round trips of fresh renders: the world, the unseen subject, free hues and patterns."""
    draws = {
        "world": lambda i: sample_scene(FIRST_SEED + i),
        "subject": lambda i: sample_subject(50_000 + i),
        "free hues": lambda i: sample_painted(900_000 + i),
    }
    scores = {}
    for name, draw in draws.items():
        pictures, _, _ = render([draw(i) for i in range(count)], SIDE, SIDE)
        error = ((pictures.float() - round_trip(autoencoder, pictures)) / 255).square().mean((1, 2, 3))
        scores[name] = mean_of((-10 * error.log10()).tolist())
    return scores


def score_hues(autoencoder: Any, count: int) -> dict[str, float]:
    """How far (CIE76 delta E) the mean colour of each hue moves in a round trip, on `count` fresh toys of it.

    The hues of the palette on one-coloured toys of the world, and both of the subject, each on its own parts.
    """
    moved = {}
    for colour in COLOURS:
        pictures, masks, _ = render(toys_in(colour, count), SIDE, SIDE)
        moved[colour] = moved_by(autoencoder, pictures, masks.numpy() > INSIDE)
    pictures, masks, _ = render([sample_subject(60_000 + i) for i in range(count)], SIDE, SIDE)
    paints = [np.array(PAINTS[SUBJECT[part]]) for part in ("colour", "accent")]
    nearer = nearest(pictures.numpy() / 255, paints)
    for number, part in enumerate(("colour", "accent")):
        chosen = (masks.numpy() > INSIDE) & (nearer == number)
        moved[f"subject's {SUBJECT[part]}"] = moved_by(autoencoder, pictures, chosen)
    return moved


def toys_in(colour: str, count: int) -> list[Scene]:
    """Fresh one-coloured toys in a colour."""
    found: list[Scene] = []
    seed = FIRST_SEED + 100_000
    while len(found) < count:
        scene, seed = sample_scene(seed), seed + 1
        if scene.colour == colour and scene.accent is None:
            found.append(scene)
    return found


def nearest(pictures: np.ndarray, paints: list[np.ndarray]) -> np.ndarray:
    """Which paint (B, H, W) has nearly the direction of a pixel's colour, whatever the light; -1 for none."""
    length = np.linalg.norm(pictures, axis=-1)
    cosines = [pictures @ paint / (length * np.linalg.norm(paint) + 1e-6) for paint in paints]
    return np.where(np.max(cosines, 0) > 0.9, np.argmax(cosines, 0), -1)


def moved_by(autoencoder: Any, pictures: torch.Tensor, chosen: np.ndarray) -> float:
    """Delta E between the mean colours of the chosen pixels (B, H, W) before and after a round trip."""
    before = lab(pictures.numpy().astype(np.float32))[chosen].mean(0)
    after = lab(round_trip(autoencoder, pictures).numpy())[chosen].mean(0)
    return float(np.linalg.norm(before - after))


def lab(pictures: np.ndarray) -> np.ndarray:
    """sRGB float32 0..255 (B, H, W, 3) as CIE L*a*b* (B, H, W, 3)."""
    return np.stack([cv2.cvtColor(picture / np.float32(255), cv2.COLOR_RGB2LAB) for picture in pictures])
