"""The user's own masks: which belongs to which photo, and what they hold."""

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from darkroom.errors import UserError, lacks_memory, one_line
from darkroom.imaging.open_photo import PLAIN_FORMATS, PLAIN_SUFFIXES
from darkroom.imaging.photo_error import OVERWRITTEN
from darkroom.photo_folder.index import SIDECAR_SUFFIXES, IndexedFile
from darkroom.storage.files import sha256_bytes

# The `source` of a mask of the user's own in masks.csv; that of any other is the name of its model.
# Grey levels between the channels of a pixel from which it has a colour.
COLOURFUL = 32
SUPPLIED = "supplied"


def match_masks(photos: Sequence[IndexedFile], masks: Sequence[IndexedFile]) -> dict[str, IndexedFile]:
    """The mask of each photo that has one, by the sha256 of the photo; both as listed by the index.

    A mask lies at its photo's relative path, with or without the photo's suffix (a/cat.png or a/cat.jpg.png for
    a/cat.jpg), or anywhere, where only one photo has its stem; the former wins. Other files than pictures are left out.

    Raises UserError where a mask may be of several photos or a photo has several, and where not one belongs to a photo.
    """
    places = _by_place([mask for mask in masks if _is_picture(mask)])
    candidates = [photo for photo in photos if photo.sha256 and _suffix(photo.path) not in SIDECAR_SUFFIXES]
    found: dict[str, IndexedFile] = {}
    claimed: set[str] = set()
    for photo in candidates:
        for place in (photo.path, _place(photo.path)):
            if place in places:
                claimed.add(place)
                found.setdefault(photo.sha256, places[place])
                break
    loose = {place: mask for place, mask in places.items() if place not in claimed}
    if loose:
        found = _by_stem(candidates, loose) | found
    if not found:
        raise UserError(
            f"masks.supplied: none of the {len(masks)} files belongs to a photo; name masks as their photos are named"
        )
    return found


def unused_masks(masks: Sequence[IndexedFile], matched: Mapping[str, IndexedFile]) -> list[str]:
    """The paths of supplied pictures that are the mask of no photo."""
    used = {mask.path for mask in matched.values()}
    return sorted(mask.path for mask in masks if _is_picture(mask) and mask.path not in used)


def _is_picture(mask: IndexedFile) -> bool:
    """Whether a file is named like a picture and is to be opened: hidden ones are not."""
    return not mask.reason and _suffix(mask.path) in PLAIN_SUFFIXES


def _place(path: str) -> str:
    """A path without its suffix. Plain text, because this runs whenever the workflow is read, for every photo."""
    head, _, tail = path.rpartition(".")
    return path if not head or "/" in tail else head


def _suffix(path: str) -> str:
    return path[len(_place(path)) :].lower()


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _by_place(masks: Sequence[IndexedFile]) -> dict[str, IndexedFile]:
    """Masks by their path without its suffix."""
    places: dict[str, IndexedFile] = {}
    for mask in masks:
        other = places.setdefault(_place(mask.path), mask)
        if other.sha256 != mask.sha256:
            raise UserError(f"masks.supplied: {other.path} and {mask.path} are of the same photo; remove one")
    return places


def _by_stem(photos: Sequence[IndexedFile], masks: dict[str, IndexedFile]) -> dict[str, IndexedFile]:
    """Masks that lie elsewhere than their photos, by the sha256 of the photo."""
    named: dict[str, list[IndexedFile]] = defaultdict(list)
    for photo in photos:
        for stem in {_name(photo.path), _name(_place(photo.path))}:
            named[stem].append(photo)
    found: dict[str, IndexedFile] = {}
    for place, mask in masks.items():
        meant = named.get(_name(place), [])
        if len({_place(photo.path) for photo in meant}) > 1 and len({photo.sha256 for photo in meant}) > 1:
            raise UserError(
                f"masks.supplied: {mask.path} may be of {meant[0].path} or {meant[-1].path}; "
                "put it at the path that its photo has in the photos folder"
            )
        for photo in meant:
            other = found.setdefault(photo.sha256, mask)
            if other.sha256 != mask.sha256:
                raise UserError(f"masks.supplied: {other.path} and {mask.path} are of the same photo; remove one")
    return found


def open_mask(path: Path, sha256: str, size: tuple[int, int]) -> Image.Image | str:
    """A supplied mask as 8-bit grey, upright; or the reason why it cannot be used, as where it holds other bytes.

    Of a cut-out, whose alpha differs from place to place, the alpha is the mask; an alpha that is the same everywhere
    is ignored. `size` is that of the opened photo in pixels, which the mask must have; it is checked before decoding.
    """
    try:
        data = path.read_bytes()
        if sha256_bytes(data) != sha256:
            return f"{OVERWRITTEN} (start again)"
        with Image.open(io.BytesIO(data), formats=PLAIN_FORMATS) as image:
            if size not in (image.size, image.size[::-1]):
                return _wrong_size(image.size, size)
            image.load()
            upright = ImageOps.exif_transpose(image)
            grey = _cut_out(upright)
            if grey is None and _is_coloured(upright):
                return "it is a picture in colours; a mask is grey, white on the subject, or a cut-out with alpha"
            grey = grey or _grey(upright)
    except UnidentifiedImageError:
        return "it is not a picture, or a damaged one"
    except Exception as error:  # Decoders raise anything at all on damaged bytes.
        if lacks_memory(error):
            raise
        return f"it cannot be read ({one_line(error, 80)})"
    if grey.size != size:
        return _wrong_size(grey.size, size)
    if grey.getextrema() == (0, 1):
        return "it holds the levels 0 and 1 only; white is 255"
    return grey


def _wrong_size(mask: tuple[int, int], photo: tuple[int, int]) -> str:
    return f"it is {mask[0]} x {mask[1]}, its photo {photo[0]} x {photo[1]}"


def _cut_out(image: Image.Image) -> Image.Image | None:
    """The alpha of a picture that is transparent in some places and not in others, else None."""
    if not image.has_transparency_data:
        return None
    alpha = image.convert("RGBA").getchannel("A")
    low, high = alpha.getextrema()
    return alpha if low != high else None


def _is_coloured(image: Image.Image) -> bool:
    """Whether more than a hundredth of a picture has colours, more than a JPEG makes of grey."""
    if image.mode in ("1", "L", "LA", "F") or image.mode.startswith("I"):
        return False
    levels = np.asarray(image.convert("RGBA").convert("RGB")).astype(np.int16)
    return float((levels.max(axis=2) - levels.min(axis=2) > COLOURFUL).mean()) > 0.01


def _grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        return Image.fromarray((np.clip(levels, 0, 65535) / 257).round().astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels")
    return image.convert("RGBA").convert("RGB").convert("L") if image.mode in ("P", "PA") else image.convert("L")
