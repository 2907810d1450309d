"""Assembles a dataset: joins the tables of a target with its files and fails before anything expensive is run."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from darkroom.contracts.manifest import Frame
from darkroom.errors import UserError
from darkroom.jobs.progress import progress
from darkroom.storage.files import sha256_bytes, sha256_file
from darkroom.storage.tables import Row

SPLITS = ("train", "held_out")


def join_frames(
    frames: Sequence[Row], selection: Sequence[Row], captions: Sequence[Row], photos: Sequence[Row], folder: Path
) -> list[Frame]:
    """Join the tables of a target with its files `folder/frames/<frame>.png` and `folder/masks/<frame>.png`.

    Frames whose status is not `ok` are left out. Raises UserError naming the frames where a caption, split, picture
    or mask is missing, empty or of the wrong size, and where nothing is left to train on.
    """
    splits = {row["photo"]: row["split"] for row in selection if row["selected"] == "true"}
    texts = {row["frame"]: (row["caption"], row["untriggered"]) for row in captions}
    sha256s = {row["photo"]: row["sha256"] for row in photos if row["photo"]}
    wanted = sorted((row for row in frames if row["status"] == "ok"), key=lambda row: row["frame"])
    problems: list[str] = []
    joined = []
    for row in progress(wanted, "dataset", "frames"):
        frame, photo = row["frame"], row["photo"]
        size = int(row["width"]), int(row["height"])
        caption, untriggered = texts.get(frame, ("", ""))
        found = [
            *([] if caption.strip() else [f"frame {frame}: no caption"]),
            *([] if splits.get(photo) in SPLITS else [f"frame {frame}: its photo {photo} is in no split"]),
            *_picture_problems(folder / "frames" / f"{frame}.png", f"frame {frame}: picture", size),
            *_picture_problems(folder / "masks" / f"{frame}.png", f"frame {frame}: mask", size),
        ]
        problems += found
        if not found:
            joined.append(
                Frame(
                    frame=frame,
                    photo=photo,
                    photo_sha256=sha256s[photo],
                    split=splits[photo],
                    width=size[0],
                    height=size[1],
                    **_conditioning(row),
                    caption=caption,
                    untriggered=untriggered,
                    caption_sha256=sha256_bytes(caption.encode()),
                    picture_sha256=sha256_file(folder / "frames" / f"{frame}.png"),
                    mask_sha256=sha256_file(folder / "masks" / f"{frame}.png"),
                )
            )
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        again = "run `snakemake --forcerun crop_to_buckets rewrite_captions` to make them anew"
        raise UserError(f"dataset: {'; '.join(problems[:5])}{more}; {again}")
    if not any(frame.split == "train" for frame in joined):
        raise UserError("dataset: no photo is left to train on; see the reasons in selection.csv and frames.csv")
    return joined


def _conditioning(row: Row) -> dict[str, int]:
    """The photo's size, and where the frame begins in the photo resized as the frame was, in pixels."""
    numbers = {name: int(row[name]) for name in ("x0", "y0", "x1", "y1", "width", "height")}
    return {
        "original_width": int(row["photo_width"]),
        "original_height": int(row["photo_height"]),
        "crop_left": round(numbers["x0"] * numbers["width"] / (numbers["x1"] - numbers["x0"])),
        "crop_top": round(numbers["y0"] * numbers["height"] / (numbers["y1"] - numbers["y0"])),
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
