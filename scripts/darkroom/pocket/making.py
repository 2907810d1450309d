"""The stages of `make pocket`: world, vae, captioner, clip, sdxl, flux (trainings resume), toybox, cards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DiffusionPipeline

from darkroom.errors import UserError
from darkroom.models.clip import load_clip
from darkroom.pocket.autoencoder import train_autoencoder
from darkroom.pocket.autoencoder_scores import score_hues, score_round_trips
from darkroom.pocket.captioner import PHASES as CAPTION_PHASES
from darkroom.pocket.captioner import train_captioner
from darkroom.pocket.cards import captioner_card, clip_card, flux_card, sdxl_card, with_figures_of
from darkroom.pocket.clip import train_clip
from darkroom.pocket.clip_scores import score_likeness, score_retrieval
from darkroom.pocket.flux import PHASES as FLUX_PHASES
from darkroom.pocket.flux import train_flux
from darkroom.pocket.model_files import save_captioner, save_clip, save_pipeline
from darkroom.pocket.scoring import load_captioner, score_captioner, score_prompts
from darkroom.pocket.sdxl import PHASES as SDXL_PHASES
from darkroom.pocket.sdxl import train_sdxl
from darkroom.pocket.toybox import write_toybox
from darkroom.pocket.training_loop import run_facts
from darkroom.pocket.world_files import RENDERED_SPLITS, render_split

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
    "flux": 4_500,
    "flux-guided": 600,
}
RUNS: dict[str, tuple[str, ...]] = {
    "florence2": ("attributes", "details", *CAPTION_PHASES),
    "clip": ("clip",),
    "sdxl": ("autoencoder", *SDXL_PHASES),
    "flux": FLUX_PHASES,
}
Steps = dict[str, int]


def make_world(output: Path, work: Path, steps: Steps) -> None:
    for name in RENDERED_SPLITS:
        render_split(name, work)


def make_autoencoder(output: Path, work: Path, steps: Steps) -> None:
    train_autoencoder(work, steps["autoencoder"])


def make_captioner(output: Path, work: Path, steps: Steps) -> None:
    def export(model: Any, processor: Any) -> None:
        save_captioner(model, processor, output / "florence2", captioner_card({}, None))

    export(*train_captioner(work, steps, export))


def make_clip(output: Path, work: Path, steps: Steps) -> None:
    save_clip(train_clip(work, steps["clip"]), output / "clip", clip_card({}, None))


def make_sdxl(output: Path, work: Path, steps: Steps) -> None:
    def export(pipeline: Any) -> None:
        save_pipeline(pipeline, output / "sdxl", sdxl_card({}, None, None))

    autoencoder = train_autoencoder(work, steps["autoencoder"])
    export(train_sdxl(autoencoder, work, steps, export))


def make_flux(output: Path, work: Path, steps: Steps) -> None:
    def export(pipeline: Any) -> None:
        save_pipeline(pipeline, output / "flux", flux_card({}, None))

    vae = output / "sdxl" / "vae"
    if not vae.is_dir():
        raise UserError(f"{vae}: the pocket FLUX sees through it, and it is not there; run the stage sdxl first")
    export(train_flux(AutoencoderKL.from_pretrained(vae), work, steps, export))


def make_toybox(output: Path, work: Path, steps: Steps) -> None:
    write_toybox(output.parent / "toybox")


def make_cards(output: Path, work: Path, steps: Steps) -> None:
    """Measure the exported models and write what was measured into their cards.

    How a model was made is told anew where all its trainings lie in the work folder, else left as its card tells it.
    """
    for name in RUNS:
        if not (output / name / "README.md").is_file():
            raise UserError(f"{output / name}: there is no model; run the other stages first")
    captioner = load_captioner(str(output / "florence2"))
    clip = load_clip(output / "clip", torch.device("cpu"))
    painters = {name: DiffusionPipeline.from_pretrained(str(output / name)) for name in ("sdxl", "flux")}
    known: dict[str, Any] = {"caption found among 100": score_retrieval(clip, 5)}
    known |= {f"likeness of {name}": value for name, value in score_likeness(clip, 100).items()}
    rates = {name: score_prompts(pipeline, captioner, 200)[0] for name, pipeline in painters.items()}
    vae = painters["sdxl"].vae
    autoencoder_facts = {f"autoencoder, {k}": f"{v} dB PSNR" for k, v in score_round_trips(vae, 200).items()}
    autoencoder_facts |= {f"autoencoder, {k}": f"moved by delta E {v:.1f}" for k, v in score_hues(vae, 100).items()}
    facts = {name: run_facts(names, work) for name, names in RUNS.items()}
    cards = {
        "florence2": captioner_card(facts["florence2"], score_captioner(captioner, 300)),
        "clip": clip_card(facts["clip"], known),
        "sdxl": sdxl_card(facts["sdxl"], rates["sdxl"], autoencoder_facts),
        "flux": flux_card(facts["flux"], rates["flux"]),
    }
    for name, card in cards.items():
        path = output / name / "README.md"
        path.write_text(card if facts[name] else with_figures_of(card, path.read_text()))


STAGES: dict[str, Callable[[Path, Path, Steps], None]] = {
    "world": make_world,
    "vae": make_autoencoder,
    "captioner": make_captioner,
    "clip": make_clip,
    "sdxl": make_sdxl,
    "flux": make_flux,
    "toybox": make_toybox,
    "cards": make_cards,
}


def make_pocket(output: Path, work: Path, stage: str, share: float, threads: int) -> None:
    """Run one stage, or "all" in their order, with a `share` of every training's steps."""
    torch.set_num_threads(threads)
    steps = {name: max(1, round(share * count)) for name, count in STEPS.items()}
    for name, make in STAGES.items():
        if stage in (name, "all"):
            make(output, work, steps)
