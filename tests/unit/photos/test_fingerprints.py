"""Perceptual hashes are those of imagehash, in every orientation."""

from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFilter

from darkroom.errors import UserError
from darkroom.photos.fingerprints import (
    ORIENTATIONS,
    SEEN_SIDE,
    Fingerprint,
    orientation_hashes,
    read_fingerprints,
    turn,
    upright_hash,
)
from darkroom.photos.hash_neighbours import near_pairs
from darkroom.storage.tables import write_rows


def picture(seed: int) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    return Image.fromarray(levels).resize((400, 300), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))


@pytest.mark.parametrize("seed", range(5))
def test_a_turned_transform_is_the_transform_of_the_turned_picture(seed: int) -> None:
    small = picture(seed).convert("L").resize((SEEN_SIDE, SEEN_SIDE), Image.Resampling.LANCZOS)
    hashes = orientation_hashes(picture(seed))
    assert list(hashes) == list(ORIENTATIONS) and len(set(hashes.values())) == 8
    for name in ORIENTATIONS:
        assert hashes[name] == str(imagehash.phash(turn(small, name), hash_size=16)), name
    assert upright_hash(picture(seed)) == hashes["upright"] == str(imagehash.phash(picture(seed), hash_size=16))


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_a_turned_copy_is_near(name: str) -> None:
    hashes = [
        Fingerprint("", **orientation_hashes(picture(1))),
        Fingerprint("", **orientation_hashes(turn(picture(1), name))),
        Fingerprint("", **orientation_hashes(picture(2))),
    ]
    assert near_pairs(hashes, 20, 5) == {(0, 1)}


@pytest.mark.parametrize("colour", ["black", "white", "red", (3, 200, 77)])
def test_one_colour_has_no_noise_in_its_hash(colour: str) -> None:
    hashes = orientation_hashes(Image.new("RGB", (300, 200), colour))
    assert set(hashes.values()) == {"0" * 64 if colour == "black" else "8" + "0" * 63}


@pytest.mark.parametrize("wrong", ["", "ab", "z" * 64, "a" * 66])
def test_what_is_no_hash_is_told_by_its_line(tmp_path: Path, wrong: str) -> None:
    good = Fingerprint("a", **orientation_hashes(picture(1)))
    write_rows(tmp_path / "fingerprints.csv", Fingerprint, [good])
    assert read_fingerprints(tmp_path / "fingerprints.csv") == {"a": good}
    text = (tmp_path / "fingerprints.csv").read_text()
    (tmp_path / "fingerprints.csv").write_text(text.replace(good.mirrored, wrong))
    with pytest.raises(UserError, match=r"fingerprints\.csv: line 2: .*; delete this file"):
        read_fingerprints(tmp_path / "fingerprints.csv")
