"""The stages of `make pocket`, each resumable: world, vae, captioner, clip, sdxl, toybox, cards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from darkroom.evaluation.clip_model import load_clip
from darkroom.pocket.autoencoder import BATCH as VAE_BATCH
from darkroom.pocket.autoencoder import train_autoencoder
from darkroom.pocket.autoencoder_scores import score_hues, score_round_trips
from darkroom.pocket.captioner import BATCH as CAPTIONER_BATCH
from darkroom.pocket.captioner import LEGS as CAPTION_LEGS
from darkroom.pocket.captioner import eye_of, train_captioner
from darkroom.pocket.cards import captioner_card, clip_card, sdxl_card
from darkroom.pocket.clip import BATCH as CLIP_BATCH
from darkroom.pocket.clip import train_clip
from darkroom.pocket.clip_scores import score_likeness, score_retrieval
from darkroom.pocket.model_files import save_captioner, save_clip, save_sdxl
from darkroom.pocket.scoring import load_captioner, score_captioner, score_sdxl
from darkroom.pocket.sdxl import BATCH as SDXL_BATCH
from darkroom.pocket.sdxl import LEGS, train_sdxl, trained_parts
from darkroom.pocket.toybox import write_toybox
from darkroom.pocket.training_loop import mark_finished
from darkroom.pocket.world_files import ALBUMS, render_album

STEPS = {
    "autoencoder": 7_000,
    "attributes": 4_500,
    "details": 9_000,
    "captions": 4_000,
    "captions-again": 2_000,
    "captions-last": 2_500,
    "clip": 1_600,
    "sdxl": 5_500,
    "sdxl-again": 6_000,
}
BATCHES = {
    "autoencoder": VAE_BATCH,
    "attributes": CAPTIONER_BATCH,
    "details": CAPTIONER_BATCH,
    "captions": CAPTIONER_BATCH,
    "captions-again": CAPTIONER_BATCH,
    "captions-last": CAPTIONER_BATCH,
    "clip": CLIP_BATCH,
    "sdxl": SDXL_BATCH,
    "sdxl-again": SDXL_BATCH,
}
Steps = dict[str, int]


def make_world(output: Path, work: Path, steps: Steps) -> None:
    for name in ALBUMS:
        render_album(name, work)


def make_autoencoder(output: Path, work: Path, steps: Steps) -> None:
    train_autoencoder(work, steps["autoencoder"])


def make_captioner(output: Path, work: Path, steps: Steps) -> None:
    def export(model: Any, processor: Any, facts: dict) -> None:
        card = captioner_card({"captions": facts} if facts else {}, None)
        save_captioner(model, processor, output / "florence2", card)

    train_captioner(work, steps, export)


def make_clip(output: Path, work: Path, steps: Steps) -> None:
    save_clip(train_clip(work, steps["clip"]), output / "clip", clip_card({}, None))


def make_sdxl(output: Path, work: Path, steps: Steps) -> None:
    def export(pipeline: Any, facts: dict) -> None:
        save_sdxl(pipeline, output / "sdxl", sdxl_card({"sdxl": facts}, None, None))

    autoencoder = train_autoencoder(work, steps["autoencoder"])
    train_sdxl(autoencoder, work, steps, export)


def take_up(output: Path, work: Path, steps: Steps) -> None:
    """Take exported captioner and SDXL for what their first legs have made: their training goes on from there."""
    from diffusers import StableDiffusionXLPipeline

    captioner, _ = load_captioner(str(output / "florence2"))
    for name in ("attributes", "details"):
        mark_finished(name, eye_of(captioner), steps[name], work)
    mark_finished("captions", {"captioner": captioner}, steps["captions"], work)

    pipeline = StableDiffusionXLPipeline.from_pretrained(str(output / "sdxl"))
    mark_finished("autoencoder", {"autoencoder": pipeline.vae}, steps["autoencoder"], work)
    mark_finished("sdxl", trained_parts(pipeline), steps["sdxl"], work)


def make_toybox(output: Path, work: Path, steps: Steps) -> None:
    write_toybox(output.parent / "toybox")


def make_cards(output: Path, work: Path, steps: Steps) -> None:
    """Measure the exported models and write what was measured into their cards."""
    from diffusers import StableDiffusionXLPipeline

    facts = run_facts(work)
    captioner = load_captioner(str(output / "florence2"))
    card = captioner_card(
        {k: facts[k] for k in ("attributes", "details", *CAPTION_LEGS) if k in facts},
        score_captioner(captioner, 300),
    )
    (output / "florence2" / "README.md").write_text(card)
    clip = load_clip(output / "clip", torch.device("cpu"))
    scores: dict[str, Any] = {"caption found among 100": score_retrieval(clip, 5)}
    scores |= {f"likeness of {name}": value for name, value in score_likeness(clip, 100).items()}
    (output / "clip" / "README.md").write_text(clip_card({"clip": facts["clip"]}, scores))
    pipeline = StableDiffusionXLPipeline.from_pretrained(str(output / "sdxl"))
    rates, _ = score_sdxl(pipeline, captioner, 200)
    eye = {f"autoencoder, {k}": f"{v} dB PSNR" for k, v in score_round_trips(pipeline.vae, 200).items()}
    eye |= {f"autoencoder, {k}": f"moved by delta E {v:.1f}" for k, v in score_hues(pipeline.vae, 100).items()}
    (output / "sdxl" / "README.md").write_text(
        sdxl_card({k: facts[k] for k in ("autoencoder", *LEGS) if k in facts}, rates, eye)
    )


STAGES: dict[str, Callable[[Path, Path, Steps], None]] = {
    "world": make_world,
    "vae": make_autoencoder,
    "captioner": make_captioner,
    "clip": make_clip,
    "sdxl": make_sdxl,
    "toybox": make_toybox,
    "cards": make_cards,
}
ASKED_FOR = {"take-up": take_up}  # not one of "all"


def make_pocket(output: Path, work: Path, stage: str, share: float, threads: int) -> None:
    """Run one stage, or "all" in their order, with a `share` of every training's steps."""
    torch.set_num_threads(threads)
    steps = {name: max(1, round(share * count)) for name, count in STEPS.items()}
    for name, make in (STAGES | ASKED_FOR).items():
        if stage == name or (stage == "all" and name in STAGES):
            make(output, work, steps)


def run_facts(work: Path) -> dict[str, dict]:
    """Steps, samples and minutes of every training run whose checkpoint is in the work folder."""
    facts = {}
    for name, batch in BATCHES.items():
        if not (work / "checkpoints" / f"{name}.pt").exists():
            continue
        state = torch.load(work / "checkpoints" / f"{name}.pt", weights_only=True)
        facts[name] = {
            "steps": state["step"],
            "samples": state["step"] * batch,
            "minutes": round(state["seconds"] / 60, 1),
        }
    return facts
