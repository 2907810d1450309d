"""The pocket models' cards: how they were made, how good they are as measured, and what they are not for."""

from typing import Any

from darkroom.pocket.scoring import GUIDANCE, SAMPLING_STEPS
from darkroom.storage.markdown import markdown_table

FIGURES, LIMITS = "## How good it is", "## What it is not for"
NO_PICTURES = (
    "Pictures that anyone wants to look at. It shows on two CPU cores that a LoRA learns; it knows no other words and"
    " no other things."
)
HEAD = f"""---
license: apache-2.0
---
# {{title}}

{{about}}

## How it was made
`python scripts/make_pocket.py --output resources/pocket --work build/pocket`, on a CPU with one thread, float32,
seed 0 throughout. Another processor or another number of threads rounds differently and gets other weights.

{{training}}

{FIGURES}
{{figures}}

{LIMITS}
{{limits}}
"""


def table(rows: list[tuple[str, Any]]) -> str:
    """A two-column Markdown table without a heading."""
    return markdown_table(["", ""], [(name, str(value)) for name, value in rows])


def trained(facts: dict[str, dict]) -> str:
    return table(
        [
            (name, f"{fact['minutes']} min, {fact['steps']:,} steps, {fact['samples']:,} samples")
            for name, fact in facts.items()
        ]
    )


def captioner_card(facts: dict[str, dict], scores: dict[str, Any] | None) -> str:
    figures = "Not measured yet."
    if scores:
        rows = [(name, rate) for name, rate in scores["rates"].items()]
        rows += [("mean of the attributes", f"{100 * scores['mean']:.1f} %"), ("whole caption exact", scores["exact"])]
        rows += [("`<OD>` mean overlap (IoU)", scores["overlap"])]
        figures = (
            "`python benchmarks/pocket_models.py`: fresh test renders, 64 x 64, 80 x 48 and 48 x 80 px, greedy "
            "decoding; share right, standard error.\n\n" + table(rows)
        )
    return HEAD.format(
        title="Pocket Florence-2",
        about="A Florence-2 of about 2 million weights that describes the toys of the pocket world: docs/pocket.md."
        " It answers `<CAPTION>`, `<DETAILED_CAPTION>`, `<MORE_DETAILED_CAPTION>` (as detailed) and `<OD>`; a toy in"
        " two colours is called just a toy. Any picture is squeezed to 64 x 64 px.",
        training=trained(facts),
        figures=figures,
        limits="Real photos. It has seen ten toys, four floors and five walls, all rendered, and finds them anywhere.",
    )


def clip_card(facts: dict[str, dict], scores: dict[str, Any] | None) -> str:
    figures = "Not measured yet."
    if scores:
        figures = "`python benchmarks/pocket_models.py`: fresh test renders.\n\n" + table(list(scores.items()))
    return HEAD.format(
        title="Pocket CLIP",
        about="An open_clip model of 1.5 million weights (a ResNet for 64 x 64 px, a text transformer of two layers)"
        " that knows pictures and captions of the pocket world: docs/pocket.md. Load it with `local-dir:`.",
        training=trained(facts),
        figures=figures,
        limits="Real photos and other words than those of the pocket world.",
    )


def followed(rates: dict[str, dict]) -> list[tuple[str, Any]]:
    """Rates by kind of prompt and attribute as rows."""
    return [(f"{name}, {kind}", rate) for kind in rates for name, rate in rates[kind].items()]


def painter_figures(rows: list[tuple[str, Any]]) -> str:
    """A table of what a model draws, with how it was measured."""
    return (
        f"`python benchmarks/pocket_models.py`: fresh prompts, 64 x 64 px, {SAMPLING_STEPS} steps, "
        f"guidance {GUIDANCE}, judged by the pocket captioner (which errs too, see its card); share followed, "
        "standard error.\n\n" + table(rows)
    )


def sdxl_card(facts: dict[str, dict], rates: dict[str, dict] | None, autoencoder: dict[str, str] | None) -> str:
    figures = "Not measured yet."
    if rates and autoencoder:
        figures = painter_figures([*followed(rates), *autoencoder.items()])
    return HEAD.format(
        title="Pocket SDXL",
        about="An SDXL of about 6 million weights that draws the toys of the pocket world (docs/pocket.md) at 64 x 64,"
        " 80 x 48 and 48 x 80 px: UNet, both text encoders and an autoencoder with 16 x 16 x 4 latents."
        " v-prediction, zero terminal SNR, trailing time steps; prompts are sentences or tags of at most 48 tokens.",
        training=trained(facts),
        figures=figures,
        limits=NO_PICTURES,
    )


def flux_card(facts: dict[str, dict], rates: dict[str, dict] | None) -> str:
    figures = painter_figures(followed(rates)) if rates else "Not measured yet."
    return HEAD.format(
        title="Pocket FLUX",
        about="A FLUX.1-dev of about 2 million weights that draws the toys of the pocket world (docs/pocket.md) at"
        " 64 x 64, 80 x 48 and 48 x 80 px: transformer, CLIP and T5 of pocket size, and the autoencoder of the pocket"
        " SDXL. Guidance is distilled into it, 1 to 5; prompts are sentences or tags of at most 40 tokens.",
        training=trained(facts),
        figures=figures,
        limits=NO_PICTURES,
    )


def with_figures_of(card: str, old: str) -> str:
    """The card `old` with the figures of another: how the model was made stays as it was told."""
    figures = card[card.index(FIGURES) : card.index(LIMITS)]
    return old[: old.index(FIGURES)] + figures + old[old.index(LIMITS) :]
