"""Assembles a dataset: joins the tables of a target with its files and fails before anything expensive is run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from darkroom.contracts.caption_tables import FrameCaption
from darkroom.contracts.frame_table import FrameRow
from darkroom.contracts.manifest import Frame
from darkroom.contracts.selection_table import Verdict
from darkroom.errors import UserError
from darkroom.jobs.progress import progress
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import sha256_bytes, sha256_file

SPLITS = ("train", "held_out")


def join_frames(
    frames: Sequence[FrameRow],
    selected: Mapping[str, Verdict],
    captions: Mapping[str, FrameCaption],
    photos: Mapping[str, PhotoFile],
    folder: Path,
) -> list[Frame]:
    """Join the cut frames of a target with its files `folder/frames/<frame>.png` and `folder/masks/<frame>.png`.

    `selected` and `photos` are by photo, `captions` by frame. Raises UserError naming the frames where a caption,
    split, picture or mask is missing, empty or of the wrong size, and where nothing is left to train on.
    """
    problems: list[str] = []
    joined = []
    for row in progress(sorted(frames, key=lambda row: row.frame), "dataset", "frames"):
        caption, verdict = captions.get(row.frame), selected.get(row.photo)
        found = _file_problems(row, folder)
        if caption is None or not caption.caption.strip():
            found.insert(0, f"frame {row.frame}: no caption")
        elif verdict is None or verdict.split not in SPLITS:
            found.insert(0, f"frame {row.frame}: its photo {row.photo} is in no split")
        elif not found:
            joined.append(_joined(row, verdict.split, caption, photos[row.photo].sha256, folder))
        problems += found
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        again = "run `snakemake --forcerun crop_to_buckets rewrite_captions` to make them anew"
        raise UserError(f"dataset: {'; '.join(problems[:5])}{more}; {again}")
    if not any(frame.split == "train" for frame in joined):
        raise UserError("dataset: no photo is left to train on; see the reasons in selection.csv and frames.csv")
    return joined


def _joined(row: FrameRow, split: str, caption: FrameCaption, photo_sha256: str, folder: Path) -> Frame:
    return Frame(
        frame=row.frame,
        photo=row.photo,
        photo_sha256=photo_sha256,
        split=split,
        width=row.size[0],
        height=row.size[1],
        **_conditioning(row),
        caption=caption.caption,
        untriggered=caption.untriggered,
        caption_sha256=sha256_bytes(caption.caption.encode()),
        picture_sha256=sha256_file(folder / "frames" / f"{row.frame}.png"),
        mask_sha256=sha256_file(folder / "masks" / f"{row.frame}.png"),
    )


def _file_problems(row: FrameRow, folder: Path) -> list[str]:
    """What is wrong with the two files of a frame."""
    return [
        *_picture_problems(folder / "frames" / f"{row.frame}.png", f"frame {row.frame}: picture", row.size),
        *_picture_problems(folder / "masks" / f"{row.frame}.png", f"frame {row.frame}: mask", row.size),
    ]


def _conditioning(row: FrameRow) -> dict[str, int]:
    """The photo's size, and where the frame begins in the photo resized as the frame was, in pixels."""
    (x0, y0, x1, y1), (width, height) = row.crop, row.size
    return {
        "original_width": row.photo_width,
        "original_height": row.photo_height,
        "crop_left": round(x0 * width / (x1 - x0)),
        "crop_top": round(y0 * height / (y1 - y0)),
    }


def _picture_problems(path: Path, what: str, size: tuple[int, int]) -> list[str]:
    """What is wrong with a picture file: missing, no picture, or of another size (width, height)."""
    try:
        with Image.open(path) as picture:
            found = picture.size
    except FileNotFoundError:
        return [f"{what} {path.name} is missing"]
    except OSError:
        return [f"{what} {path.name} is no picture"]
    return [] if found == size else [f"{what} {path.name} is {found[0]}x{found[1]}, not {size[0]}x{size[1]}"]
