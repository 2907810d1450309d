"""What the quickstart's LoRAs have learnt, and what they left alone, on three seeds of training each.

Trains the quickstart with seeds 0, 1 and 2 (results/toybox-seeds; what is there already is not done again) and judges
the chosen checkpoint of each: by the tables of the evaluation, and by the validation loss (the same pictures, noise and
timesteps with and without the LoRA) on new photos of the subject and on renders of other toys.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from darkroom.config.framing import CropSettings  # noqa: E402
from darkroom.config.loading import load_target  # noqa: E402
from darkroom.config.training import ValidationSettings  # noqa: E402
from darkroom.contracts.checkpoint_files import Variant, chosen_checkpoint  # noqa: E402
from darkroom.contracts.choice import read_choice  # noqa: E402
from darkroom.contracts.evaluation_tables import read_sample_scores, read_scores  # noqa: E402
from darkroom.evaluation.checkpoint_choice import differences  # noqa: E402
from darkroom.evaluation.loss_change import LossChange, measure_loss_changes  # noqa: E402
from darkroom.families.base import ModelFamily, family  # noqa: E402
from darkroom.framing.buckets import choose_crop  # noqa: E402
from darkroom.framing.frame_pictures import apply_crop  # noqa: E402
from darkroom.framing.mask_measures import describe_mask  # noqa: E402
from darkroom.imaging.open_photo import open_photo  # noqa: E402
from darkroom.jobs.log import show_log  # noqa: E402
from darkroom.pocket.camera import jpeg_bytes  # noqa: E402
from darkroom.pocket.renderer import render  # noqa: E402
from darkroom.pocket.toybox import good_shot, shoot  # noqa: E402
from darkroom.pocket.world import SPLITS, Scene, detailed_caption, sample_scene  # noqa: E402
from darkroom.storage.cache import Cache  # noqa: E402
from darkroom.storage.files import sha256_file  # noqa: E402
from darkroom.training.encodings import Encoding, Encodings, lay_out  # noqa: E402
from darkroom.training.picture_encoding import Encoder, encode_masks, encode_pictures, encode_texts  # noqa: E402
from darkroom.training.validation_loss import ValidationContext  # noqa: E402

CONFIGS = ("config/config.yaml", "benchmarks/three_seeds.yaml")
RESULTS = Path("results/toybox-seeds")
TARGETS = ("pocket-sdxl", "pocket-flux")
RUNS = ("seed-0", "seed-1", "seed-2")
SUBJECT = "mimi_toy toy"
SIDE = 64
FIRST_PHOTO = 500_000
FIRST_OTHER_SEED = SPLITS["test"] + 900_000
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Figure:
    """A measured figure, what it is to be at least or at most, and its standard error where it has one."""

    name: str
    value: float
    error: float | None
    goal: str
    met: bool
    unit: str = " %"  # shares are told in per cent, likenesses as they are

    def __str__(self) -> str:
        scale, digits = (100, 1) if self.unit else (1, 3)
        error = "" if self.error is None else f" ± {scale * self.error:.{digits}f}"
        value = f"{scale * self.value:+.{digits}f}{self.unit}{error}"
        return f"  {self.name:58} {value:>16} {self.goal:28} {'met' if self.met else 'MISSED'}"


@dataclass(frozen=True)
class Frame:
    """A framed picture with its mask, its caption, and its caption without the trigger."""

    picture: Image.Image
    mask: Image.Image
    caption: str
    untriggered: str


@dataclass(frozen=True)
class Base:
    """The base model of a target, and how its frames are cropped."""

    family: ModelFamily
    model: Path
    crop: CropSettings


def base_of(target: str) -> Base:
    """The base model of a target of config/targets/."""
    settings = load_target(target, ROOT)
    return Base(family(settings.family), Path(settings.model), settings.crop)


def train_three(targets: Sequence[str]) -> None:
    """Run the quickstart with three seeds per target."""
    chosen = f"targets=[{','.join(targets)}]"
    command = ["snakemake", "--cores", "all", "--quiet", "all", "--configfile", *CONFIGS, "--config", chosen]
    if subprocess.run(command, check=False).returncode:
        sys.exit("the quickstart did not run to its end; its last lines above say why")


def encode(base: Base, frames: list[Frame], folder: Path) -> Encodings:
    """Frames as held-out ones, each with its caption and one without the trigger."""
    encoder = Encoder(base.family, base.model, lambda: CPU, {}, Cache(folder / "cache"))
    folder.mkdir(parents=True, exist_ok=True)
    pictures, masks = {}, {}
    for number, frame in enumerate(frames):
        name = str(number)
        path, mask = folder / f"{name}.png", folder / f"{name}-mask.png"
        frame.picture.save(path)
        frame.mask.save(mask)
        pictures[name] = (path, sha256_file(path), False)
        masks[name] = (mask, sha256_file(mask), (frame.mask.height // 4, frame.mask.width // 4))
    latents = lay_out(encode_pictures(encoder, pictures)[0], folder)
    cells = lay_out(encode_masks(encoder, masks)[0], folder)
    captions = {text for frame in frames for text in (frame.caption, frame.untriggered)}
    texts = lay_out(encode_texts(encoder, captions)[0], folder)
    rows = [
        Encoding(
            "frame",
            name,
            "held_out",
            *frame.picture.size,
            latents[name],
            "",
            cells[name],
            texts[frame.caption],
            texts[frame.untriggered],
        )
        for name, frame in zip(pictures, frames, strict=True)
    ]
    return Encodings(folder, tuple(rows))


def photographed(number: int, settings: CropSettings, folder: Path) -> Frame:
    """A new photo of the subject, taken and framed as those of the toybox are; its file lies in `folder`."""
    taken = good_shot(number)
    picture, mask = shoot(taken)
    found = describe_mask(mask)
    crop = choose_crop(mask.size, (found["x0"], found["y0"], found["x1"], found["y1"]), settings)
    if crop is None:
        raise ValueError(f"photo {number} fills no bucket")
    path = folder / f"{number}.jpg"
    path.write_bytes(jpeg_bytes(picture, taken.exposure))
    plain = detailed_caption(taken.scene)
    photo = apply_crop(open_photo(path).picture, crop)
    return Frame(photo, apply_crop(mask, crop), plain.replace("a toy", SUBJECT, 1), plain)


def rendered(scene: Scene) -> Frame:
    """A toy of the world under its own name."""
    pictures, covers, _ = render([scene], SIDE, SIDE)
    picture, cover = (Image.fromarray(part[0].numpy()) for part in (pictures, covers))
    caption = detailed_caption(scene)
    return Frame(picture, cover, caption, caption)


def fresh_encodings(base: Base, count: int, folder: Path) -> dict[str, Encodings]:
    """New photos of the subject, and renders of other toys under their own names, inside their masks and whole."""
    subjects = [photographed(FIRST_PHOTO + number, base.crop, folder) for number in range(count)]
    toys = [rendered(sample_scene(FIRST_OTHER_SEED + number)) for number in range(count)]
    others = encode(base, toys, folder / "others")
    return {
        "subject": encode(base, subjects, folder / "subject"),
        "others": others,
        "others, whole": replace(others, rows=tuple(replace(row, mask="") for row in others.rows)),
    }


def measure(base: Base, encodings: Encodings, chosen: Variant, count: int) -> LossChange:
    """How far the loss on fresh frames has moved from the base model's."""
    noise_scheduler = base.family.load_noise_scheduler(base.model)
    context = ValidationContext(base.family, noise_scheduler, encodings, ValidationSettings(frames=count), CPU)
    denoiser = base.family.load_denoiser(base.model, torch.float32).eval()
    return measure_loss_changes(denoiser, base.family, context, [chosen], torch.float32)[chosen]


def from_losses(where: str, fall: float, error: float, untriggered: float) -> list[Figure]:
    share = untriggered / fall if fall > 0 else 1.0
    return [
        Figure(f"loss on the subject, {where}", -fall, error, "falls by 30 % or more", fall >= 0.3),
        Figure(
            f"  of that fall without the trigger, {where}", share, None, "a third at most", fall > 0 and share <= 1 / 3
        ),
    ]


def from_tables(folder: Path, chosen: Variant) -> list[Figure]:
    """The figures that the evaluation's own tables hold."""
    scores = read_scores(folder / "evaluation" / "scores.csv")
    pictures = read_sample_scores(folder / "evaluation" / "sample_scores.csv")
    row = scores.set_index(["step", "strength"]).loc[[(chosen.step, chosen.strength)]].iloc[0]
    figures = from_losses(
        f"{row['frames']} photos kept aside",
        row["loss_fall"],
        row["loss_fall_se"],
        row["untriggered_fall"],
    )
    rise = row["prior_rise"]
    figures.append(Figure("loss on prior pictures kept aside", rise, None, "rises by 10 % at most", rise <= 0.1))
    own, base = (chosen.step, chosen.strength), (0, 0.0)
    for name, control in (("subject prompts", False), ("control prompts", True)):
        change = differences(pictures, own, base, "likeness", control)
        if change is None:
            continue
        value, error = change
        goal = "rises by 3 errors or more" if not control else "rises by 3 errors at most"
        met = value < 3 * error if control else value >= 3 * error
        figures.append(Figure(f"likeness, {name}", value, error, goal, met, unit=""))
        change = differences(pictures, own, base, "prompt_following", control)
        if change is None:
            continue
        before = base_mean(pictures, control)
        value, error = (part / before for part in change)
        met = value >= -0.1
        figures.append(Figure(f"prompt following, {name}", value, error, "falls by 10 % at most", met))
    return figures


def base_mean(pictures: pd.DataFrame, control: bool) -> float:
    """Prompt following of the base model's pictures of subject or control prompts."""
    return float(pictures[(pictures["step"] == 0) & (pictures["control"] == control)]["prompt_following"].mean())


def judge_target(target: str, count: int) -> int:
    """Print the figures of every run of a target; returns how many are missed."""
    base, missed = base_of(target), 0
    with tempfile.TemporaryDirectory() as folder:
        fresh = fresh_encodings(base, count, Path(folder))
        for run in RUNS:
            results = RESULTS / target / run
            choice = read_choice(results / "evaluation" / "choice.json")
            checkpoint = chosen_checkpoint(results / "training" / "checkpoints", choice.step)
            chosen = Variant(choice.step, choice.strength, checkpoint)
            changes = {name: measure(base, encodings, chosen, count) for name, encodings in fresh.items()}
            figures = from_tables(results, chosen)
            subject = changes.pop("subject")
            figures += from_losses(f"{count} new photos", subject.fall, subject.error, subject.untriggered_fall)
            for name, change in changes.items():
                words = f"loss on {count} fresh renders of {name.replace('others', 'other toys')}"
                figures.append(Figure(words, -change.fall, change.error, "rises by 10 % at most", change.fall >= -0.1))
            print(f"{target}, {run}: chosen step {choice.step}")
            print("\n".join(map(str, figures)), flush=True)
            missed += sum(not figure.met for figure in figures)
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=60, help="new photos, and fresh renders of other toys")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=TARGETS, help="the pocket models' targets")
    arguments = parser.parse_args()
    show_log()
    torch.set_num_threads(1)
    os.chdir(ROOT)
    train_three(arguments.targets)
    missed = sum(judge_target(target, arguments.count) for target in arguments.targets)
    if missed:
        sys.exit(f"{missed} missed")
    print("all met")


if __name__ == "__main__":
    main()
