"""What a LoRA file says about itself: modelspec keys, the ss_ keys that people's tools read, and nothing that changes.

Sources: Stability's modelspec 1.0.1 as sd-scripts writes it (library/sai_model_spec.py), and sd-scripts' own `ss_`
metadata, of which A1111, Forge and ComfyUI's browsers show base model, resolution, tags and network size.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.config.captions import SubjectSettings
from darkroom.config.training import TrainingSettings
from darkroom.contracts.choice import Choice
from darkroom.contracts.manifest import Frame
from darkroom.families.base import ModelFamily
from darkroom.publishing.lora_files import ADAPTER_METADATA, Checkpoint, tensors_sha256
from darkroom.storage.files import canonical_json


@dataclass(frozen=True)
class Training:
    """What was trained on what: all that files and model card say about it. The largest resolution comes first."""

    project: str
    target: str
    run: str
    subject: SubjectSettings
    base_model: str
    base_revision: str
    settings: TrainingSettings
    resolutions: tuple[int, ...]
    frames: list[Frame]
    choice: Choice

    @property
    def train_frames(self) -> list[Frame]:
        """The frames that were trained on, without those held out."""
        return [frame for frame in self.frames if frame.split == "train"]


LoraFile = tuple[dict[str, Any], dict[str, str]]  # tensors and metadata


def published_files(
    training: Training, family: ModelFamily, model: Path, checkpoint: Checkpoint, manifest_sha256: str
) -> tuple[LoraFile, LoraFile]:
    """The two published files: under diffusers' names, with what diffusers wants to know, and under ComfyUI's.

    `model` is the folder of the base model.
    """
    comfyui: dict[str, Any] = {}
    for part, tensors in checkpoint.parts().items():
        comfyui |= family.comfyui_names(tensors, float(checkpoint.setting(part, "lora_alpha")))
    base = family.published_as(model)
    files = []
    for tensors in (checkpoint.tensors, comfyui):
        files.append((tensors, lora_metadata(training, base, manifest_sha256, tensors_sha256(tensors))))
    files[0][1][ADAPTER_METADATA] = canonical_json(checkpoint.adapter)
    return files[0], files[1]


def lora_metadata(
    training: Training, base: Mapping[str, str], manifest_sha256: str, tensors_sha256: str
) -> dict[str, str]:
    """The metadata of a published file, text to text. No date and no path: equal trainings give equal files.

    `base` is what the family says of the base model.
    """
    subject, settings = training.subject, training.settings
    trigger = subject.phrase
    side = training.resolutions[0]
    text = {"ss_text_encoder_lr": f"{settings.text_encoder.learning_rate:g}"} if settings.text_encoder else {}
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.implementation": "https://github.com/huggingface/diffusers",
        "modelspec.title": training.project,
        "modelspec.description": f"LoRA of {trigger}, {subject.kind}, made with Darkroom",
        "modelspec.trigger_phrase": trigger,
        "modelspec.tags": f"lora, {subject.kind}",
        "modelspec.resolution": f"{side}x{side}",
        "modelspec.usage_hint": f"strength {training.choice.strength:g}",
        "modelspec.hash_sha256": f"0x{tensors_sha256}",
        "sshs_model_hash": tensors_sha256,
        "ss_output_name": training.project,
        "ss_sd_model_name": training.base_model,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(settings.rank),
        "ss_network_alpha": f"{settings.alpha:g}",
        "ss_learning_rate": f"{settings.learning_rate:g}",
        "ss_optimizer": settings.optimizer,
        "ss_lr_scheduler": settings.lr_schedule,
        "ss_steps": str(training.choice.step),
        "ss_max_train_steps": str(settings.steps),
        "ss_batch_size_per_device": str(settings.batch),
        "ss_seed": str(settings.seed),
        "ss_mixed_precision": settings.precision,
        "ss_caption_dropout_rate": f"{settings.caption_dropout:g}",
        "ss_num_train_images": str(len(training.train_frames)),
        "ss_resolution": f"({side}, {side})",
        "ss_bucket_info": canonical_json(bucket_info(training.train_frames)),
        "ss_tag_frequency": canonical_json({training.project: tag_frequency(training.train_frames)}),
        "darkroom.dataset_sha256": manifest_sha256,
        **base,
        **text,
    }


def tag_frequency(frames: Sequence[Frame]) -> dict[str, int]:
    """How often each comma-separated piece of a caption occurs."""
    pieces = (piece.strip() for frame in frames for piece in frame.caption.split(","))
    return dict(Counter(piece for piece in pieces if piece))


def bucket_info(frames: Sequence[Frame]) -> dict[str, dict[str, dict[str, object]]]:
    """Frames per bucket, in sd-scripts' form."""
    sizes = sorted(Counter((frame.width, frame.height) for frame in frames).items())
    buckets = {str(number): {"resolution": list(size), "count": count} for number, (size, count) in enumerate(sizes)}
    return {"buckets": buckets}
