"""The encodings of a whole dataset: its frames, the prior pictures and the empty caption, as rows of one table."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.contracts.manifest import Frame
from darkroom.contracts.rendered_tables import PriorPicture
from darkroom.errors import UserError
from darkroom.storage.files import sha256_file
from darkroom.training.encodings import Encoding, lay_out, shape_of_latents
from darkroom.training.picture_encoding import Encoder, encode_masks, encode_pictures, encode_texts

# Every fourth prior picture is not trained on: its loss tells how much the LoRA disturbs other things.
HELD_OUT_PRIORS = 4


@dataclass(frozen=True)
class Dataset:
    """A dataset as exported: the manifest's frames, and the folders of pictures and of masks."""

    frames: list[Frame]
    images: Path
    masks: Path


def check_dataset(dataset: Dataset) -> None:
    """Compare the files with the manifest; UserError names the first that is missing or differs."""
    for frame in dataset.frames:
        name = frame.frame
        parts = {
            dataset.images / f"{name}.png": frame.picture_sha256,
            dataset.masks / f"{name}.png": frame.mask_sha256,
        }
        for path, sha256 in parts.items():
            if sha256 and (not path.exists() or sha256_file(path) != sha256):
                raise UserError(f"{path}: missing or not the file of the manifest; delete {path.parent} and run again")
    if not any(frame.split == "train" for frame in dataset.frames):
        raise UserError("the dataset holds no frame to train on; look at selection.csv for the reasons")


def encode_dataset(
    encoder: Encoder,
    dataset: Dataset,
    priors: list[PriorPicture],
    prior_folder: Path | None,
    mirror: bool,
    folder: Path,
    tokens: bool = False,
) -> tuple[list[Encoding], dict[str, int]]:
    """Encode everything a trainer of this dataset needs and lay it out in a folder.

    With `mirror` the mirrored frames, too, and with `tokens` what the text encoders read of each text, in its own file.
    Returns the rows of encodings.csv and how many pictures, masks and texts were computed.
    """
    pictures = {
        f"frame {frame.frame}": (dataset.images / f"{frame.frame}.png", frame.picture_sha256, False)
        for frame in dataset.frames
    }
    if mirror:
        pictures |= {f"mirrored {name}": (path, sha, True) for name, (path, sha, _) in pictures.items()}
    if prior_folder is not None:
        pictures |= {f"prior {prior.picture}": (prior_folder / prior.file, prior.sha256, False) for prior in priors}
    latents, computed = encode_pictures(encoder, pictures)
    masks, computed_masks = encode_masks(encoder, _masks(dataset, latents))
    captions = {text for frame in dataset.frames for text in (frame.caption, frame.untriggered)}
    needed = {"", *captions, *[prior.prompt for prior in priors]}
    texts, computed_texts = encode_texts(encoder, needed, tokens)

    picture_hashes, mask_hashes, text_hashes = (lay_out(files, folder) for files in (latents, masks, texts))
    rows = []
    for frame in dataset.frames:
        name = frame.frame
        row = Encoding(
            kind="frame",
            name=name,
            split=frame.split,
            width=frame.width,
            height=frame.height,
            latents=picture_hashes[f"frame {name}"],
            mirrored=picture_hashes.get(f"mirrored frame {name}", ""),
            mask=mask_hashes.get(name, ""),
            text=text_hashes[frame.caption],
            untriggered=text_hashes[frame.untriggered],
        )
        rows.append(row)
    prompts = len({prior.prompt for prior in priors})
    for index, prior in enumerate(priors):
        split = "held_out" if is_held_out(index, prompts) else "train"
        row = Encoding(
            kind="prior",
            name=prior.picture,
            split=split,
            width=prior.width,
            height=prior.height,
            latents=picture_hashes[f"prior {prior.picture}"],
            text=text_hashes[prior.prompt],
        )
        rows.append(row)
    rows.append(Encoding("empty", text=text_hashes[""]))
    return rows, {"pictures": computed, "masks": computed_masks, "texts": computed_texts}


def is_held_out(index: int, prompts: int) -> bool:
    """Whether a prior picture (from 0) is kept from training, where so many prompts are taken in turn.

    Where every fourth picture is always of the same prompts, each round keeps others: none is never trained.
    """
    rounds = index // prompts if prompts % HELD_OUT_PRIORS == 0 else 0
    return (index + rounds) % HELD_OUT_PRIORS == HELD_OUT_PRIORS - 1


def _masks(dataset: Dataset, latents: dict[str, Path]) -> dict[str, tuple[Path, str, tuple[int, int]]]:
    """The masks of the frames that have one, each with the size of its frame's latents."""
    masks = {}
    for frame in dataset.frames:
        if frame.mask_sha256:
            shape = shape_of_latents(latents[f"frame {frame.frame}"])
            path = dataset.masks / f"{frame.frame}.png"
            masks[frame.frame] = (path, frame.mask_sha256, (shape[1], shape[2]))
    return masks
