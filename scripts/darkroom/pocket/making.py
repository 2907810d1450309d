"""The stages of `make pocket`, each resumable: world, vae, captioner, sdxl, toybox, cards."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from darkroom.pocket.autoencoder import BATCH as VAE_BATCH
from darkroom.pocket.autoencoder import train_autoencoder
from darkroom.pocket.captioner import BATCH as CAPTIONER_BATCH
from darkroom.pocket.captioner import train_captioner
from darkroom.pocket.cards import captioner_card, sdxl_card
from darkroom.pocket.model_files import save_captioner, save_sdxl
from darkroom.pocket.scoring import load_captioner, score_autoencoder, score_captioner, score_sdxl
from darkroom.pocket.sdxl import BATCH as SDXL_BATCH
from darkroom.pocket.sdxl import train_sdxl
from darkroom.pocket.toybox import write_toybox
from darkroom.pocket.world_files import ALBUMS, render_album

MINUTES = {"vae": 17.0, "captioner": 20.0, "sdxl": 50.0}
RUNS = {"autoencoder": VAE_BATCH, "attributes": CAPTIONER_BATCH, "captions": CAPTIONER_BATCH, "sdxl": SDXL_BATCH}


def make_world(output: Path, work: Path) -> None:
    for name in ALBUMS:
        render_album(name, work)


def make_autoencoder(output: Path, work: Path) -> None:
    train_autoencoder(work, budget("vae", work))


def make_captioner(output: Path, work: Path) -> None:
    def export(model: Any, processor: Any, facts: dict) -> None:
        save_captioner(model, processor, output / "florence2", captioner_card({"captions": facts}, None))

    train_captioner(work, budget("captioner", work), export)


def make_sdxl(output: Path, work: Path) -> None:
    def export(pipeline: Any, facts: dict) -> None:
        save_sdxl(pipeline, output / "sdxl", sdxl_card({"sdxl": facts}, None, None))

    autoencoder = train_autoencoder(work, budget("vae", work))
    train_sdxl(autoencoder, work, budget("sdxl", work), export)


def make_toybox(output: Path, work: Path) -> None:
    write_toybox(output.parent / "toybox")


def make_cards(output: Path, work: Path) -> None:
    """Measure the exported models and write what was measured into their cards."""
    from diffusers import StableDiffusionXLPipeline

    captioner = load_captioner(str(output / "florence2"))
    pipeline = StableDiffusionXLPipeline.from_pretrained(str(output / "sdxl"))
    facts = run_facts(work)
    card = captioner_card({k: facts[k] for k in ("attributes", "captions")}, score_captioner(captioner, 300))
    (output / "florence2" / "README.md").write_text(card)
    rates, _ = score_sdxl(pipeline, captioner, 100)
    card = sdxl_card({k: facts[k] for k in ("autoencoder", "sdxl")}, rates, score_autoencoder(pipeline.vae, 100))
    (output / "sdxl" / "README.md").write_text(card)


STAGES: dict[str, Callable[[Path, Path], None]] = {
    "world": make_world,
    "vae": make_autoencoder,
    "captioner": make_captioner,
    "sdxl": make_sdxl,
    "toybox": make_toybox,
    "cards": make_cards,
}


def make_pocket(output: Path, work: Path, stage: str, minutes: float | None, threads: int) -> None:
    """Run one stage, or "all" in their order; `minutes` replaces the budget of a single trained stage."""
    torch.set_num_threads(threads)
    if minutes is not None:
        set_budget(stage, minutes, work)
    for name, make in STAGES.items():
        if stage in (name, "all"):
            make(output, work)


def budget(stage: str, work: Path) -> float:
    """Minutes of training, as last asked for in this work folder."""
    path = work / "minutes.json"
    asked = json.loads(path.read_text()) if path.exists() else {}
    return float(asked.get(stage, MINUTES[stage]))


def set_budget(stage: str, minutes: float, work: Path) -> None:
    path = work / "minutes.json"
    work.mkdir(parents=True, exist_ok=True)
    asked = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**asked, stage: minutes}, indent=2) + "\n")


def run_facts(work: Path) -> dict[str, dict]:
    """Steps, samples and minutes of every finished training run."""
    facts = {}
    for name, batch in RUNS.items():
        state = torch.load(work / "checkpoints" / f"{name}.pt", weights_only=True)
        facts[name] = {
            "steps": state["step"],
            "samples": state["step"] * batch,
            "minutes": round(state["seconds"] / 60, 1),
        }
    return facts
