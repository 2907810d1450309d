"""What the quickstart's LoRA has learnt, and what it did to the rest of the pocket world.

Run `make quickstart` first. Its LoRA is judged by the paired loss (the same pictures, noise and timesteps with and
without it) on its own held-out photos, and on fresh renders of the subject and of other toys that no training has seen.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image

from darkroom.cache import Cache
from darkroom.evaluation.checkpoints import variants
from darkroom.evaluation.likeness import measure_likeness
from darkroom.families import sdxl
from darkroom.files import sha256_file
from darkroom.pocket.renderer import render
from darkroom.pocket.world import SPLITS, Scene, detailed_caption, sample_scene, sample_subject
from darkroom.tables import read_table
from darkroom.training.encodings import Encoding, Encodings, lay_out
from darkroom.training.paired_loss import Judge
from darkroom.training.picture_encoding import Encoder, encode_pictures, encode_texts
from darkroom.training.settings import ValidationSettings

SIDE = 64
FIRST_SUBJECT_SEED = 5000
CPU = torch.device("cpu")


def fresh_scenes(count: int, trigger: str) -> dict[str, tuple[str, Scene, str]]:
    """Kind, scene and caption by name: the subject under its trigger, and other toys under their own names."""
    subjects = [sample_subject(FIRST_SUBJECT_SEED + number) for number in range(count)]
    others = [sample_scene(SPLITS["test"] + number) for number in range(count)]
    named = {f"subject {n}": ("frame", scene, detailed_caption(scene)) for n, scene in enumerate(subjects)}
    named = {name: (kind, scene, text.replace("a toy", trigger, 1)) for name, (kind, scene, text) in named.items()}
    return named | {f"other {n}": ("prior", scene, detailed_caption(scene)) for n, scene in enumerate(others)}


def encode(scenes: dict[str, tuple[str, Scene, str]], model: Path, folder: Path) -> Encodings:
    """Render and encode scenes as a training would: the subject as held-out frames, the others as prior pictures."""
    encoder = Encoder(sdxl, model, lambda: CPU, {}, Cache(folder / "cache"))
    pictures, _, _ = render([scene for _, scene, _ in scenes.values()], SIDE, SIDE)
    files = {}
    for name, picture in zip(scenes, pictures, strict=True):
        path = folder / f"{name}.png"
        Image.fromarray(picture.numpy()).save(path)
        files[name] = (path, sha256_file(path), False)
    latents = lay_out(encode_pictures(encoder, files)[0], folder)
    texts = lay_out(encode_texts(encoder, {text for _, _, text in scenes.values()})[0], folder)
    rows = [
        Encoding(kind, name, "held_out", SIDE, SIDE, latents[name], "", "", texts[text])
        for name, (kind, _, text) in scenes.items()
    ]
    return Encodings(folder, tuple(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("results/toybox/pocket-sdxl/main"))
    parser.add_argument("--model", type=Path, default=Path("resources/pocket/sdxl"))
    parser.add_argument("--trigger", default="mimi_toy toy", help="trigger and class")
    parser.add_argument("--count", type=int, default=48, help="fresh renders of each kind")
    arguments = parser.parse_args()
    if not (arguments.run / "training" / "validation.csv").exists():
        sys.exit(f"{arguments.run}: no finished run; run `make quickstart` first")
    torch.set_num_threads(2)

    print("quickstart LoRA, its own held-out photos (paired loss inside the mask, training/validation.csv):")
    rows = read_table(arguments.run / "training" / "validation.csv")
    for row in rows:
        change = float(row["loss"]) / float(rows[0]["loss"]) - 1
        print(f"  step {row['step']:>4}: {float(row['loss']):.4f} ({change:+.1%}) on {row['frames']} photos")

    print(
        f"fresh renders, {arguments.count} of the subject (seeds {FIRST_SUBJECT_SEED}...) and "
        f"{arguments.count} other toys (test seeds {SPLITS['test']}...), whole pictures:"
    )
    with tempfile.TemporaryDirectory() as folder:
        encodings = encode(fresh_scenes(arguments.count, arguments.trigger), arguments.model, Path(folder))
        settings = ValidationSettings(frames=arguments.count)
        judge = Judge(sdxl, sdxl.load_schedule(arguments.model), encodings, settings, CPU)
        compared = variants(arguments.run / "training" / "checkpoints", [1.0])
        denoiser = sdxl.load_denoiser(arguments.model, torch.float32)
        for variant, found in measure_likeness(denoiser, sdxl, judge, compared, torch.float32).items():
            print(
                f"  step {variant.step:>4}: subject {-found.likeness:+.1%} (standard error {found.error:.1%}), "
                f"other toys {found.prior_rise:+.1%}"
            )


if __name__ == "__main__":
    main()
