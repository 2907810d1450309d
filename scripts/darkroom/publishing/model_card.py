"""The model card: how to call the subject, how it was trained, how well it did, and with what."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from huggingface_hub import ModelCardData

from darkroom.contracts.frame_names import view_of
from darkroom.contracts.training_tables import Validation
from darkroom.families.base import ModelFamily
from darkroom.publishing.lora_metadata import Training
from darkroom.storage.markdown import code_span, escape, fenced, markdown_table

SETTINGS_SHOWN = (
    "optimizer", "learning_rate", "lr_schedule", "rank", "alpha", "layers", "text_encoder", "steps", "batch",
    "masked_loss", "background_weight", "caption_dropout", "precision", "seed",
)  # fmt: skip
USAGE = """\
import torch
from diffusers import AutoPipelineForText2Image

pipeline = AutoPipelineForText2Image.from_pretrained({base}, torch_dtype=torch.{precision}).to("cuda")
pipeline.load_lora_weights(".", weight_name={file}, adapter_name="subject")
pipeline.set_adapters(["subject"], [{strength:g}])
pipeline({prompt}).images[0].save("picture.png")
"""


def model_card(
    training: Training,
    family: ModelFamily,
    scores: pd.DataFrame,
    validation: Sequence[Validation],
    grid: str,
    hashes: dict[str, str],
) -> str:
    """The text of README.md: Markdown with the front matter of the Hub.

    `grid` is the path of the grid as seen from the card, `hashes` the sha256 of each published file. Captions, trigger
    and names are escaped: nothing in them becomes markup.
    """
    subject, choice, base_model = training.subject, training.choice, training.base_model
    phrase = subject.phrase
    file = f"{training.project}.safetensors"
    values = {"base": repr(base_model), "file": repr(file), "prompt": repr(phrase), "strength": choice.strength}
    code = USAGE.format(**values, precision=family.RENDER_PRECISION)
    captions = {view_of(frame.frame): frame.caption for frame in training.train_frames}
    held_out = len({view_of(frame.frame) for frame in training.frames}) - len(captions)
    parts = [
        f"---\n{front_matter(base_model, phrase, subject.kind)}---",
        f"# {escape(training.project)}",
        f"A LoRA of {code_span(phrase)} ({subject.kind}) for {escape(base_model)}.",
        f"- trigger: {code_span(subject.trigger)}\n- class: {code_span(subject.subject_class)}\n"
        f"- write: {code_span(phrase)}\n- strength: {choice.strength:g}\n"
        f"- checkpoint: step {choice.step} of {training.settings.steps} ({escape(choice.reason)})",
        f"![From left to right: how the subject appears]({grid})",
        "## How to use it",
        f"With diffusers, in the folder of this file:\n\n{fenced(code, 'python')}",
        f"In {family.COMFYUI_READERS}: put {code_span(f'{training.project}.comfyui.safetensors')} into the folder of "
        f"LoRAs, choose it with strength {choice.strength:g} and write {code_span(phrase)} into the prompt.",
        "## How well it did",
        _figures(training, scores, validation),
        "## How it was trained",
        _settings_table(training),
        f"{len(captions)} pictures trained on, {held_out} held out. The first captions:\n\n"
        + fenced("\n".join(list(captions.values())[:3])),
        "## Files",
        markdown_table(
            ["file", "sha256"], [[code_span(name), code_span(value)] for name, value in sorted(hashes.items())]
        ),
        "Photos, models, settings, code and package versions are in `provenance.json`, by their hashes.",
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(base_model: str, phrase: str, kind: str) -> str:
    """The YAML at the head of a card, as the Hub reads it."""
    data = ModelCardData(
        base_model=base_model,
        library_name="diffusers",
        pipeline_tag="text-to-image",
        tags=["lora", "diffusers", "text-to-image", kind],
        instance_prompt=phrase,
    )
    return f"{data.to_yaml()}\n"


def _figures(training: Training, scores: pd.DataFrame, validation: Sequence[Validation]) -> str:
    """Scores of the base and the chosen checkpoint, and the validation loss on held-out frames before and after."""
    choice = training.choice
    is_chosen = (scores["step"] == choice.step) & (scores["strength"] == choice.strength)
    shown = scores[(scores["step"] == 0) | is_chosen].to_dict("records")
    columns = ["step", "strength", "likeness", "prompt_following"]
    rows = [[_with_error(row, column) for column in columns] for row in shown]
    lines = [markdown_table([column.replace("_", " ") for column in columns], rows)] if rows else []
    losses = {row.step: row.loss for row in validation}
    if 0 in losses and choice.step in losses and losses[0] > 0:
        before, after = losses[0], losses[choice.step]
        frames = validation[0].split.replace("_", "-")
        lines.append(
            f"Validation loss on {frames} frames (same noise, same timesteps): {before:.4f} before, {after:.4f} after "
            f"({after / before - 1:+.0%})."
        )
    return "\n\n".join(lines) or "It was not scored."


def _with_error(row: Mapping[Any, Any], column: str) -> str:
    value, error = row[column], row.get(f"{column}_se", math.nan)
    return "-" if pd.isna(value) else f"{value:.6g}" if pd.isna(error) else f"{value:.6g} ± {error:.6g}"


def _settings_table(training: Training) -> str:
    values = training.settings.model_dump(mode="json")
    rows = [["base model", escape(training.base_model)], ["revision", escape(training.base_revision) or "-"]]
    rows += [["resolution", f"{', '.join(map(str, training.resolutions))} px"]]
    if training.settings.text_encoder is not None:
        own = training.settings.text_encoder
        values["text_encoder"] = f"rank {own.rank}, alpha {own.alpha:g}, learning rate {own.learning_rate:g}"
    shown = [name for name in SETTINGS_SHOWN if values.get(name) is not None]
    rows += [[name.replace("_", " "), escape(str(values[name]))] for name in shown]
    return markdown_table(["setting", "value"], rows)
