"""The typed config: everything a user may write, with errors that name the key and the nearest right one."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from darkroom.captions.settings import CaptionerSettings, RewritingSettings, SubjectSettings
from darkroom.errors import UserError
from darkroom.evaluation.settings import EvaluationSettings, RenderSettings
from darkroom.framing.settings import SETUP_MODEL, CropSettings, MaskSettings, QualitySettings, SelectionSettings
from darkroom.model_lock import local_model
from darkroom.photos.settings import DuplicateSettings, OpeningSettings
from darkroom.settings import ComputeSettings, Settings
from darkroom.training.settings import PriorSettings, TrainingSettings, ValidationSettings

# Keys that decide no byte of a result, which no provenance holds.
DECIDE_NOTHING = {"shards"}
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


class Target(Settings):
    """A base model and how a dataset is made and trained for it: a file in config/targets/."""

    family: Literal["sdxl", "flux"] = Field(description="the model family, a file in scripts/darkroom/families/")
    model: str = Field(description="a folder or an id of the Hub")
    revision: str = Field("main", description="branch, tag or commit of an id of the Hub")
    crop: CropSettings = CropSettings()
    captions: RewritingSettings = RewritingSettings()
    training: TrainingSettings = TrainingSettings()
    prior: PriorSettings = PriorSettings()
    render: RenderSettings = RenderSettings()


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
        return runs


def _known_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys allowed beside the last element of an error's location."""
    current: Any = model
    for part in location[:-1]:
        fields = getattr(current, "model_fields", {})
        field = next((f for name, f in fields.items() if part in (name, f.alias)), None)
        if field is None:
            return []
        current = field.annotation
    return [field.alias or name for name, field in getattr(current, "model_fields", {}).items()]


def _explain(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One error of pydantic as a clause that a user can act on."""
    location = tuple(error["loc"])
    key = ".".join(str(part) for part in location) or "the file"
    if error["type"] == "extra_forbidden":
        known = _known_keys(model, location)
        near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys here: {', '.join(sorted(known))}"
        return f"unknown key '{key}'; {hint}"
    if error["type"] == "missing":
        return f"key '{key}' is missing; please add it"
    return f"key '{key}': {error['msg'].removeprefix('Value error, ')} (it is {error['input']!r})"


def check(model: type[Any], values: Any, source: str) -> Any:
    """Validate values against a settings model.

    Raises UserError, one line that names the source, every wrong key and the nearest right one.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"{source}: it must hold keys and values, not {type(values).__name__}")
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(f"{source}: " + "; ".join(_explain(item, model) for item in error.errors())) from None


def read_yaml(path: Path) -> Any:
    """Read YAML with the safe loader; UserError with line and column where it is not YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def _known_targets(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def found_path(path: str, checkout: Path) -> str:
    """The one rule for paths: relative to the working directory, and what is not there is the checkout's."""
    return str(checkout / path) if not Path(path).exists() and (checkout / path).exists() else path


def with_found_paths(config: Config, checkout: Path) -> Config:
    """The config with every path found: photos, overrides and models, of which ids of the Hub stay as they are."""
    parts = {
        "masks": config.masks.model_copy(update={"model": found_path(config.masks.model, checkout)}),
        "captioner": config.captioner.model_copy(update={"model": found_path(config.captioner.model, checkout)}),
        "evaluation": config.evaluation.model_copy(update={"clip": found_path(config.evaluation.clip, checkout)}),
    }
    overrides = config.overrides and found_path(config.overrides, checkout)
    return config.model_copy(update={**parts, "photos": found_path(config.photos, checkout), "overrides": overrides})


def load_target(name: str, checkout: Path) -> Target:
    """Load a target by its name in the checkout's config/targets or by the path of a .yaml file; its model is found.

    Raises UserError where the file is missing (naming the nearest target) or wrong.
    """
    folder = checkout / "config" / "targets"
    path = Path(found_path(name, checkout)) if name.endswith(".yaml") else folder / f"{name}.yaml"
    if not re.match(NAME, path.stem):
        raise UserError(f"targets: the name {path.stem!r} may hold letters, digits, '_', '-' and '.' only")
    if not path.exists():
        known = _known_targets(folder)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"known targets: {', '.join(known)}"
        raise UserError(f"targets: there is no target '{name}'; {hint}")
    target = check(Target, read_yaml(path), str(path))
    return target.model_copy(update={"model": found_path(target.model, checkout)})


def run_training(target: Target, project: Mapping[str, Any], run: Mapping[str, Any], source: str) -> TrainingSettings:
    """The training settings of one run: the target's, overlaid with the project's `training` and the run's own."""
    return check(TrainingSettings, target.training.model_dump() | dict(project) | dict(run), source)


def check_models(config: Config, targets: Mapping[str, Target]) -> None:
    """Raise UserError where a model given as a path, or the file of overrides, is not there.

    Masks inside the photos folder would be taken for photos: UserError too.
    """
    if config.overrides is not None and not Path(config.overrides).is_file():
        raise UserError(f"overrides: there is no file {config.overrides}; give a CSV or leave the key out")
    supplied = config.masks.supplied
    if supplied is not None and Path(supplied).resolve().is_relative_to(Path(config.photos).resolve()):
        raise UserError(f"masks.supplied: {supplied} lies in the photos folder; move it, or its masks become photos")
    named = {"masks.model": config.masks.model, "captioner.model": config.captioner.model}
    named["evaluation.clip"] = config.evaluation.clip
    named |= {f"targets/{name}: model": target.model for name, target in targets.items()}
    for key, model in named.items():
        if local_model(model) and not Path(model).exists():
            todo = (
                "run `make setup`"
                if model == SETUP_MODEL
                else "give a folder that exists or an id of the Hub (owner/name)"
            )
            raise UserError(f"{key}: there is no model at {model}; {todo}")


def target_label(name: str) -> str:
    """The name of a target in paths: a file's stem where a path was given."""
    return Path(name).stem if name.endswith(".yaml") else name


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schemas of a project's config and of a target, by name."""
    return {"config": Config.model_json_schema(), "target": Target.model_json_schema()}
