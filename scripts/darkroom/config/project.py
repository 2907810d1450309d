"""The typed config of a project and of a target: everything a user may write."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from darkroom.config.base import ComputeSettings, Settings
from darkroom.config.captions import CaptionerSettings, RewritingSettings, SubjectSettings
from darkroom.config.evaluation import EvaluationSettings, RenderSettings
from darkroom.config.framing import AestheticSettings, CropSettings, MaskSettings, QualitySettings, SelectionSettings
from darkroom.config.photos import DuplicateSettings, OpeningSettings
from darkroom.config.training import PriorSettings, TrainingSettings, ValidationSettings
from darkroom.families.base import FAMILIES, FamilyName, family

# Keys that decide no byte of a result, which no provenance holds.
DECIDE_NOTHING = {"shards"}
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
# What a target's results hold beside the folders of its runs.
TAKEN = ("base_samples", "dataset", "encodings", "frames", "masks", "prior")


class Target(Settings):
    """A base model and how a dataset is made and trained for it: a file in config/targets/."""

    family: FamilyName = Field(description="the model family, a file in scripts/darkroom/families/")
    model: str = Field(description="a folder or an id of the Hub")
    revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    crop: CropSettings = CropSettings()
    captions: RewritingSettings = RewritingSettings()
    training: TrainingSettings = TrainingSettings()
    prior: PriorSettings = PriorSettings()
    render: RenderSettings = RenderSettings()

    @model_validator(mode="before")
    @classmethod
    def _render_as_the_family_does(cls, values: Any) -> Any:
        given = values.get("render", {}) if isinstance(values, Mapping) else None
        if not isinstance(given, Mapping) or values.get("family") not in FAMILIES:
            return values
        module = family(values["family"])
        return {**values, "render": {"sampling_steps": module.SAMPLING_STEPS, "guidance": module.GUIDANCE, **given}}


class Config(Settings):
    """A project: photos, subject, targets; everything else has a default."""

    project: str = Field(pattern=NAME, description="results go to results/<project>/")
    photos: str = Field(description="folder of raw photos, searched recursively, never written to")
    subject: SubjectSettings
    targets: list[str] = Field(min_length=1, description="names of files in config/targets/, or paths of such files")
    overrides: str | None = Field(None, description="a CSV of your own decisions: photo, keep, box, caption")
    shards: int = Field(8, ge=1, le=999, description="jobs per model stage; changing it computes nothing anew")
    opening: OpeningSettings = OpeningSettings()
    duplicates: DuplicateSettings = DuplicateSettings()
    masks: MaskSettings = MaskSettings()
    quality: QualitySettings = QualitySettings()
    aesthetic: AestheticSettings = AestheticSettings()
    selection: SelectionSettings = SelectionSettings()
    captioner: CaptionerSettings = CaptionerSettings()  # type: ignore[call-arg]
    training: dict[str, Any] = Field({}, description="overrides of every target's `training`")
    runs: dict[str, dict[str, Any]] = Field(
        {"main": {}}, min_length=1, description="runs by label, each with its overrides of `training`"
    )
    validation: ValidationSettings = ValidationSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    compute: ComputeSettings = ComputeSettings()

    @field_validator("runs")
    @classmethod
    def _labels_are_names(cls, runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for label in runs:
            if not re.match(NAME, label):
                raise ValueError(f"run label {label!r} may hold letters, digits, '_', '-' and '.' only")
            if label in TAKEN:
                raise ValueError(f"run label {label!r}: a target has a folder of this name already; choose another")
        return runs


def mask_models(config: Config) -> dict[str, str | None]:
    """The models that find subjects, by their keys under `masks`."""
    return {name: getattr(config.masks, name) for name in ("model", "box_model", "second")}


def target_label(name: str) -> str:
    """The name of a target in paths: a file's stem where a path was given."""
    return Path(name).stem if name.endswith(".yaml") else name


def tokenizers_label(target: str) -> str:
    """The name of the tokenizers of a target's base model, which captions need, among all models of a project."""
    return f"{target}.tokenizers"


def polisher_label(target: str) -> str:
    """The name of the model that polishes a target's captions, among all models of a project."""
    return f"{target}.polisher"
