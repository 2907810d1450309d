"""The dataset as a folder that any trainer reads: pictures, captions beside them, metadata.jsonl, masks."""

from collections.abc import Sequence
from pathlib import Path

from darkroom.contracts.manifest import Frame
from darkroom.errors import UserError
from darkroom.jobs.progress import progress
from darkroom.storage.files import canonical_json, link_or_copy, sha256_bytes, sha256_file, write_text


def export_frames(frames: Sequence[Frame], source: Path, images: Path, masks: Path) -> dict[str, str]:
    """Lay out `images/<frame>.png`, `images/<frame>.txt`, `images/metadata.jsonl` and `masks/<frame>.png`.

    Pictures and masks are hard links to `source/frames` and `source/masks`, each checked against the manifest. Returns
    the sha256 of every file by its path beside the two folders.
    Raises UserError naming the file whose bytes are not those of the manifest.
    """
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(parents=True, exist_ok=True)
    sums: dict[str, str] = {}
    for frame in progress(frames, "export", "frames"):
        name = f"{frame.frame}.png"
        text = f"{frame.frame}.txt"
        _link_verified(source / "frames" / name, images / name, frame.picture_sha256)
        _link_verified(source / "masks" / name, masks / name, frame.mask_sha256)
        write_text(images / text, frame.caption)
        sums |= {f"{images.name}/{name}": frame.picture_sha256, f"{masks.name}/{name}": frame.mask_sha256}
        sums[f"{images.name}/{text}"] = frame.caption_sha256
    lines = [
        canonical_json({"file_name": f"{frame.frame}.png", "split": frame.split, "text": frame.caption})
        for frame in frames
    ]
    metadata = "".join(f"{line}\n" for line in lines)
    write_text(images / "metadata.jsonl", metadata)
    return sums | {f"{images.name}/metadata.jsonl": sha256_bytes(metadata.encode())}


def _link_verified(source: Path, destination: Path, sha256: str) -> None:
    if not source.is_file() or sha256_file(source) != sha256:
        state = "is missing" if not source.is_file() else "has other bytes than the manifest says"
        raise UserError(f"{source}: it {state}; run `snakemake --forcerun crop_to_buckets` to make it anew")
    link_or_copy(source, destination)
