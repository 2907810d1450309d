"""The config read and checked, with errors that name the key and the nearest right one."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from darkroom.config.framing import SETUP_MODEL, AestheticSettings
from darkroom.config.project import NAME, Config, Target, mask_models
from darkroom.config.training import TrainingSettings, check_family
from darkroom.config.wrong_settings import explain
from darkroom.errors import UserError, one_line
from darkroom.families.base import family
from darkroom.models.lock import local_model


def check(model: type[Any], values: Any, source: str) -> Any:
    """Validate values against a settings model.

    Raises UserError, one line that names the source, every wrong key and the nearest right one.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"{source}: it must hold keys and values, not {type(values).__name__}")
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(f"{source}: {explain(error, model)}") from None


def read_yaml(path: Path) -> Any:
    """Read YAML with the safe loader; UserError with line and column where it is not YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {one_line(error, 1000)}") from None


def _known_targets(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def found_path(path: str, checkout: Path) -> str:
    """The one rule for paths: relative to the working directory, and what is not there is the checkout's."""
    return str(checkout / path) if not Path(path).exists() and (checkout / path).exists() else path


def with_found_paths(config: Config, checkout: Path) -> Config:
    """The config with every path found: photos, overrides and models, of which ids of the Hub stay as they are."""
    parts = {
        "masks": config.masks.model_copy(
            update={name: path and found_path(path, checkout) for name, path in mask_models(config).items()}
        ),
        "captioner": config.captioner.model_copy(update={"model": found_path(config.captioner.model, checkout)}),
        "duplicates": config.duplicates.model_copy(
            update={"embedding": config.duplicates.embedding and found_path(config.duplicates.embedding, checkout)}
        ),
        "aesthetic": AestheticSettings(head=config.aesthetic.head and found_path(config.aesthetic.head, checkout)),
        "evaluation": config.evaluation.model_copy(update={"clip": found_path(config.evaluation.clip, checkout)}),
    }
    overrides = config.overrides and found_path(config.overrides, checkout)
    return config.model_copy(update={**parts, "photos": found_path(config.photos, checkout), "overrides": overrides})


def load_target(name: str, checkout: Path) -> Target:
    """Load a target by its name in the checkout's config/targets or by the path of a .yaml file; its models are found.

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
    polish = target.captions.polish and found_path(target.captions.polish, checkout)
    captions = target.captions.model_copy(update={"polish": polish})
    return target.model_copy(update={"model": found_path(target.model, checkout), "captions": captions})


def _fault(values: Mapping[str, Any]) -> str:
    """What is wrong in settings of a training; empty where nothing is."""
    try:
        check(TrainingSettings, values, "")
    except UserError as error:
        return str(error)
    return ""


def run_training(
    target: Target, project: Mapping[str, Any], run: Mapping[str, Any], label: str, source: str = ""
) -> TrainingSettings:
    """The training settings of the run of a label: the target's, overlaid with the project's `training` and its own.

    Raises UserError where they are wrong, or for models of another kind than the target's family. It begins with
    `source` and names `runs.<label>` where the run's own settings are to blame, else `training`.
    """
    shared = target.training.model_dump() | dict(project)
    values = shared | dict(run)
    place = "training" if _fault(values) == _fault(shared) else f"runs.{label}"
    training = check(TrainingSettings, values, f"{source}{place}")
    check_family(training, family(target.family))
    return training


def _check_aesthetic(config: Config) -> None:
    head = config.aesthetic.head
    if head is not None and not Path(head).is_file():
        raise UserError(f"aesthetic.head: there is no file {head}; give a linear head in safetensors")
    if head is not None and config.duplicates.embedding is None:
        raise UserError("aesthetic.head: it needs the vectors of `duplicates.embedding`; name the head's model there")
    if head is None and config.selection.min_aesthetic is not None:
        raise UserError("selection.min_aesthetic: there is no `aesthetic.head` that scores photos; give one")


def check_models(config: Config, targets: Mapping[str, Target]) -> None:
    """Raise UserError where a model given as a path, or the file of overrides, is not there.

    So it is where a base model's folder is not whole, or of another family than its target's.

    Masks inside the photos folder would be taken for photos: UserError too.
    """
    if config.overrides is not None and not Path(config.overrides).is_file():
        raise UserError(f"overrides: there is no file {config.overrides}; give a CSV or leave the key out")
    supplied = config.masks.supplied
    if supplied is not None and Path(supplied).resolve().is_relative_to(Path(config.photos).resolve()):
        raise UserError(f"masks.supplied: {supplied} lies in the photos folder; move it, or its masks become photos")
    _check_aesthetic(config)
    for name, target in targets.items():
        if Path(target.model).is_file():
            raise UserError(
                f"targets/{name}: model: {target.model} is one file; write it in diffusers form once with `python "
                f"scripts/convert_checkpoint.py {target.model} --family {target.family}` and give the folder"
            )
    named = {f"masks.{name}": model for name, model in mask_models(config).items() if model is not None}
    named |= {"captioner.model": config.captioner.model}
    named["evaluation.clip"] = config.evaluation.clip
    if config.duplicates.embedding is not None:
        named["duplicates.embedding"] = config.duplicates.embedding
    named |= {f"targets/{name}: model": target.model for name, target in targets.items()}
    named |= {
        f"targets/{name}: captions.polish": target.captions.polish
        for name, target in targets.items()
        if target.captions.polish is not None
    }
    for key, model in named.items():
        if local_model(model) and not Path(model).exists():
            todo = (
                "run `make setup`"
                if model == SETUP_MODEL
                else "give a folder that exists or an id of the Hub (owner/name)"
            )
            raise UserError(f"{key}: there is no model at {model}; {todo}")
    for name, target in targets.items():
        _check_base_model(name, target)


def _check_base_model(name: str, target: Target) -> None:
    """A folder here can be looked into before anything runs; what the Hub has, once it is fetched."""
    if not local_model(target.model):
        return
    try:
        family(target.family).check_model(Path(target.model))
    except UserError as error:
        raise UserError(f"targets/{name}: model: {error}") from None
