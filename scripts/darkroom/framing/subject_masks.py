"""Masks of the subject of every photo: the user's own, or made by a model, and compared with those of a second one."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from darkroom.errors import UserError
from darkroom.framing import looks, mask_measures, supplied_masks
from darkroom.framing.looks import look_again
from darkroom.framing.mask_measures import agreement, describe_mask
from darkroom.framing.segmenter import Finder, load_segmenter
from darkroom.framing.supplied_masks import SUPPLIED, open_mask
from darkroom.framing.tables import MaskRow
from darkroom.imaging import open_photo as opening
from darkroom.imaging import png
from darkroom.imaging.open_photo import surveyed_photo
from darkroom.imaging.png import png_bytes
from darkroom.jobs.progress import progress
from darkroom.photo_folder.index import IndexedFile
from darkroom.photo_folder.path_text import found_path
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache, cache_key
from darkroom.storage.code_version import code_version
from darkroom.storage.files import link_or_copy, sha256_bytes

# What decides a mask beside the modules of its finder, and a supplied one: for `code_version`.
MODULES = (*opening.MODULES, looks, mask_measures, png, sys.modules[__name__])
SUPPLIED_MODULES = (*opening.MODULES, supplied_masks, mask_measures, png, sys.modules[__name__])


def mask_photos(
    photos: Mapping[str, PhotoFile],
    folder: Path,
    finders: Sequence[Finder],
    cache: Path,
    output: Path,
    supplied: Mapping[str, IndexedFile],
    supplied_folder: Path,
) -> tuple[list[MaskRow], int]:
    """Lay the mask of each readable photo of a shard in `output`, as <photo>.png in the photo's opened size.

    `supplied` gives the user's own masks, files of `supplied_folder`, by the sha256 of their photo; the others are made
    by the first finder and compared with those of the second, if there is one. Returns the rows of masks.csv and how
    many masks were computed. A model is loaded only if one of its masks is missing.

    Raises UserError, before a model is loaded, where supplied masks cannot be used.
    """
    mask_cache = Cache(cache / "masks")
    photos = dict(sorted(photos.items()))
    own = {name: supplied[photo.sha256] for name, photo in photos.items() if photo.sha256 in supplied}
    others = {name: photo for name, photo in photos.items() if name not in own}
    keys = _supplied_keys(own, photos)
    known = _cached(keys, mask_cache)
    known |= dict(_open_supplied(own, keys, known, photos, supplied_folder, mask_cache))
    computed = 0
    for index, finder in enumerate(finders):
        made, found, count = _masks_of(finder, others, folder, mask_cache)
        computed += count
        if index == 0:
            keys, known = keys | made, known | found
        else:
            known |= _compared({photo: keys[photo] for photo in others}, made, known, mask_cache)
    output.mkdir(parents=True, exist_ok=True)
    for photo, key in keys.items():
        link_or_copy(mask_cache.path(key, ".png"), output / f"{photo}.png")
    sources = {photo: SUPPLIED if photo in own else finders[0].name for photo in photos}
    empty = {"looks": None, "agreement": None}
    return [MaskRow(photo, source=sources[photo], **(empty | known[photo])) for photo in photos], computed


def _supplied_keys(own: Mapping[str, IndexedFile], photos: Mapping[str, PhotoFile]) -> dict[str, str]:
    """The cache keys of supplied masks, which their own bytes decide."""
    version = code_version(*SUPPLIED_MODULES)
    return {
        photo: cache_key(stage="masks", photo=photos[photo].sha256, code=version, supplied=mask.sha256)
        for photo, mask in own.items()
    }


def _cached(keys: Mapping[str, str], mask_cache: Cache) -> dict[str, dict[str, Any]]:
    """The numbers of the masks that are in the cache, pictures and numbers."""
    found = {photo: mask_cache.load(key) for photo, key in keys.items() if mask_cache.has(key, ".png")}
    return {photo: value for photo, value in found.items() if value is not None}


def _open_supplied(
    own: Mapping[str, IndexedFile],
    keys: Mapping[str, str],
    known: Mapping[str, Any],
    photos: Mapping[str, PhotoFile],
    folder: Path,
    mask_cache: Cache,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Store the supplied masks that are not remembered, then raise UserError where some cannot be used."""
    refused = []
    for photo in progress([photo for photo in sorted(own) if photo not in known], "supplied masks", "photos"):
        mask = open_mask(found_path(folder, own[photo].path), own[photo].sha256, photos[photo].size)
        if isinstance(mask, str):
            refused.append(f"{own[photo].path}: {mask}")
        else:
            yield photo, _store(mask, {}, mask_cache, keys[photo])
    if refused:
        more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
        raise UserError(f"masks.supplied: {'; '.join(refused[:3])}{more}; correct or remove them")


def _store(mask: Image.Image, more: Mapping[str, Any], mask_cache: Cache, key: str) -> dict[str, Any]:
    data = png_bytes(mask)
    value = {**describe_mask(mask), **more, "sha256": sha256_bytes(data)}
    mask_cache.store_bytes(key, ".png", data)
    mask_cache.store(key, value)
    return value


def _masks_of(
    finder: Finder, photos: Mapping[str, PhotoFile], folder: Path, mask_cache: Cache
) -> tuple[dict[str, str], dict[str, dict[str, Any]], int]:
    """Cache keys and numbers of the masks that a finder makes of photos, and how many were computed."""
    version = code_version(*MODULES, *finder.modules())
    decides = finder.decides()
    keys = {
        name: cache_key(stage="masks", photo=photo.sha256, code=version, **decides) for name, photo in photos.items()
    }
    known = _cached(keys, mask_cache)
    missing = [photo for photo in photos if photo not in known]
    if missing:
        segment = load_segmenter(finder)
        for photo in progress(missing, "masks", "photos"):
            mask, agreed = look_again(segment, surveyed_photo(folder, photos[photo]).picture)
            known[photo] = _store(mask, {"looks": agreed}, mask_cache, keys[photo])
    return keys, known, len(missing)


def _compared(
    first: Mapping[str, str], second: Mapping[str, str], known: Mapping[str, dict[str, Any]], mask_cache: Cache
) -> dict[str, dict[str, Any]]:
    """The numbers of the first masks with their `agreement` with the second, both given by their cache keys."""
    result = {}
    version = code_version(mask_measures)
    for photo, key in first.items():
        pair = cache_key(stage="agreement", masks=[key, second[photo]], code=version)
        value = mask_cache.load(pair)
        if value is None:
            with (
                Image.open(mask_cache.path(key, ".png")) as one,
                Image.open(mask_cache.path(second[photo], ".png")) as other,
            ):
                value = agreement(one, other)
            mask_cache.store(pair, value)
        result[photo] = {**known[photo], "agreement": value}
    return result
