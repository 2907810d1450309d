"""Masks of the subject: the user's own, or by a salient-object model of the U-2-Net family in ONNX."""

import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from darkroom import open_photo as opening
from darkroom.cache import Cache, cache_key, code_version
from darkroom.errors import UserError
from darkroom.files import link_or_copy, sha256_bytes
from darkroom.framing import supplied_masks
from darkroom.framing.settings import MaskSettings
from darkroom.framing.supplied_masks import open_mask
from darkroom.model_lock import LockedModel
from darkroom.open_photo import surveyed_photo
from darkroom.photo_index import IndexedFile
from darkroom.photo_paths import found_path
from darkroom.progress import progress
from darkroom.tables import Row

COLUMNS = (
    *("photo", "coverage", "x0", "y0", "x1", "y1", "pieces", "largest", "holes", "border", "certainty"),
    *("source", "sha256"),
)
# The `source` of a mask of the user's own; that of any other is the name of its model.
SUPPLIED = "supplied"
# Mean and standard deviation of ImageNet, with which U-2-Net was trained (Qin et al. 2020).
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
# From here on a pixel belongs to the subject.
SUBJECT = 128
# Pieces and holes smaller than this share of the photo are specks.
SPECK = 0.001
# Pieces and holes are counted at this longer side, so that their number does not depend on the photo's size.
COUNTED_SIDE = 320

Segment = Callable[[Image.Image], Image.Image]


def load_segmenter(model: LockedModel, side: int, threads: int) -> Segment:
    """A function from an RGB picture to its mask, 8-bit grey in the picture's size, white where the subject is.

    Raises UserError where the model is not a network that takes one picture of (1, 3, side, side).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception class per way of failing.
        raise UserError(f"masks.model: {model.path} is no ONNX model that can be run ({str(error)[:100]})") from None
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    if len(shape) != 4 or any(isinstance(size, int) and size != side for size in shape[2:]):
        raise UserError(f"masks.side: {model.path} sees pictures of shape {shape}; set masks.side to its last number")

    def segment(picture: Image.Image) -> Image.Image:
        seen = np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS), np.float32)
        seen = (seen / max(float(seen.max()), 1e-6) - MEAN) / DEVIATION
        found = session.run(None, {name: seen.transpose(2, 0, 1)[None]})[0].reshape(side, side)
        grey = Image.fromarray((np.clip(found, 0, 1) * 255).round().astype(np.uint8))
        return grey.resize(picture.size, Image.Resampling.BICUBIC)

    return segment


def _parts(mask: np.ndarray) -> list[int]:
    """Areas of the connected parts of a boolean mask, specks left out, largest first."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = sorted((int(stats[number, cv2.CC_STAT_AREA]) for number in range(1, count)), reverse=True)
    return [area for area in areas if area >= SPECK * mask.size]


def _holes(mask: np.ndarray) -> int:
    """How many parts of the background the subject encloses."""
    outside = np.pad(~mask, 1, constant_values=True)
    return max(0, len(_parts(outside)) - 1)


def describe_mask(mask: Image.Image) -> dict[str, Any]:
    """The raw numbers of masks.csv for a mask.

    `coverage` is the mean of the mask (0 to 1); x0, y0, x1, y1 the box of the pixels from SUBJECT on, empty where
    there is none; `largest` the share of the subject in its largest piece; `border` the share of the photo's edge
    that is subject; `certainty` the mean of the mask over the subject.
    """
    values = np.asarray(mask)
    subject = values >= SUBJECT
    columns, rows = np.flatnonzero(subject.any(axis=0)), np.flatnonzero(subject.any(axis=1))
    box: tuple[int | None, ...] = (None,) * 4
    if len(columns):
        box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    small = mask.copy()
    small.thumbnail((COUNTED_SIDE, COUNTED_SIDE), Image.Resampling.BILINEAR)
    counted = np.asarray(small) >= SUBJECT
    pieces = _parts(counted)
    edge = np.concatenate([subject[0], subject[-1], subject[1:-1, 0], subject[1:-1, -1]])
    return {
        "coverage": float(values.mean()) / 255,
        **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
        "pieces": len(pieces),
        "largest": pieces[0] / sum(pieces) if pieces else 0.0,
        "holes": _holes(counted),
        "border": float(edge.mean()),
        "certainty": float(values[subject].mean()) / 255 if len(columns) else 0.0,
    }


def _png(mask: Image.Image) -> bytes:
    data = io.BytesIO()
    mask.save(data, "PNG", compress_level=6)
    return data.getvalue()


def mask_photos(
    photos: Sequence[Row],
    folder: Path,
    settings: MaskSettings,
    model: LockedModel,
    threads: int,
    cache: Path,
    output: Path,
    supplied: Mapping[str, IndexedFile],
) -> tuple[list[dict[str, Any]], int]:
    """Lay the mask of each readable photo of a shard in `output`, as <photo>.png in the photo's opened size.

    `supplied` gives the user's own masks by the sha256 of their photo; the others are computed. Returns the rows of
    masks.csv and how many masks were computed. The model is loaded only if one is missing.

    Raises UserError, before a model is loaded, where supplied masks cannot be used.
    """
    memory = Cache(cache / "masks")
    rows = {row["photo"]: row for row in photos if row["status"] == "ok"}
    own = {photo: supplied[row["sha256"]] for photo, row in rows.items() if row["sha256"] in supplied}
    keys = _keys(rows, own, settings, model, threads)
    known = {photo: memory.load(key) for photo, key in keys.items() if memory.has(key, ".png")}
    missing = [photo for photo in sorted(rows) if known.get(photo) is None]
    inferences = [photo for photo in missing if photo not in own]
    if settings.supplied is not None:
        opened = _open_supplied([photo for photo in missing if photo in own], rows, own, Path(settings.supplied))
        known |= {photo: _store(mask, memory, keys[photo]) for photo, mask in opened}

    def load() -> Segment:
        return load_segmenter(model, settings.side, threads)

    known |= dict(_compute(inferences, rows, folder, load, memory, keys))
    output.mkdir(parents=True, exist_ok=True)
    for photo, key in keys.items():
        link_or_copy(memory.path(key, ".png"), output / f"{photo}.png")
    sources = {photo: SUPPLIED if photo in own else Path(model.source).stem for photo in rows}
    table = [{"photo": photo, "source": sources[photo], **(known[photo] or {})} for photo in sorted(rows)]
    return table, len(inferences)


def _keys(
    rows: Mapping[str, Row], own: Mapping[str, IndexedFile], settings: MaskSettings, model: LockedModel, threads: int
) -> dict[str, str]:
    """The cache key of each photo's mask: a supplied one is decided by its own bytes."""
    version = code_version(*opening.MODULES, supplied_masks, sys.modules[__name__])
    keys = {}
    for photo, row in rows.items():
        parts: dict[str, Any] = {"supplied": own[photo].sha256} if photo in own else {"model": model.digest}
        if photo not in own:
            parts |= {"side": settings.side, "threads": threads}
        keys[photo] = cache_key(stage="masks", photo=row["sha256"], code=version, **parts)
    return keys


def _open_supplied(
    missing: Sequence[str], rows: Mapping[str, Row], own: Mapping[str, IndexedFile], folder: Path
) -> Iterator[tuple[str, Image.Image]]:
    """Yield the supplied masks that are not remembered, then raise UserError where some cannot be used."""
    refused = []
    for photo in progress(missing, "supplied masks", "photos"):
        mask = open_mask(found_path(folder, own[photo].path), (int(rows[photo]["width"]), int(rows[photo]["height"])))
        if isinstance(mask, str):
            refused.append(f"{own[photo].path}: {mask}")
        else:
            yield photo, mask
    if refused:
        more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
        raise UserError(f"masks.supplied: {'; '.join(refused[:3])}{more}; correct or remove them")


def _store(mask: Image.Image, memory: Cache, key: str) -> dict[str, Any]:
    data = _png(mask)
    value = describe_mask(mask) | {"sha256": sha256_bytes(data)}
    memory.store_bytes(key, ".png", data)
    memory.store(key, value)
    return value


def _compute(
    missing: Sequence[str],
    rows: Mapping[str, Row],
    folder: Path,
    load: Callable[[], Segment],
    memory: Cache,
    keys: Mapping[str, str],
) -> Iterator[tuple[str, dict[str, Any]]]:
    if not missing:
        return
    segment = load()
    for photo in progress(missing, "masks", "photos"):
        mask = segment(surveyed_photo(folder, rows[photo]["path"]).picture)
        yield photo, _store(mask, memory, keys[photo])
