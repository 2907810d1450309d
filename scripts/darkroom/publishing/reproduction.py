"""Builds a LoRA again from its provenance, in a folder of its own: photos by their bytes, models by their files."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from darkroom.config.project import polisher_label
from darkroom.errors import UserError
from darkroom.models.lock import model_file
from darkroom.photo_folder.index import refresh_index
from darkroom.photo_folder.path_text import found_path
from darkroom.publishing.record import ModelRecord, Record
from darkroom.storage.files import write_bytes, write_text
from darkroom.storage.tables import write_table

PHOTOS, OVERRIDES, CONFIG, HELPERS = "photos_by_hash", "overrides.csv", "rebuild.yaml", "helper_models"


def open_run_dir(work: Path, provenance: Path, record: Record) -> None:
    """Make the folder in which everything happens, or go on in one that this very record began.

    Raises UserError where it holds other things, and where it lies among the results that are to be checked.
    """
    lora = provenance.resolve().parent
    inside = len(lora.parents) > 3 and lora.parents[2].name == record.project
    results = lora.parents[2] if inside else lora
    # A record that was copied to a folder of its own, without the LoRA, has nothing beside it to be checked.
    checked = inside or any((lora / name).exists() for name in record.files)
    if checked and work.resolve().is_relative_to(results):
        raise UserError(f"--work: {work} lies in {results}, which is to be checked; give a folder elsewhere")
    mark = work / "provenance.json"
    if work.exists() and any(work.iterdir()) and not (mark.is_file() and mark.read_bytes() == provenance.read_bytes()):
        raise UserError(f"--work: {work} holds other things; give a new folder")
    write_bytes(mark, provenance.read_bytes())


def find_photos(folder: Path, index: Path) -> dict[str, Path]:
    """Every file below a folder by the sha256 of its bytes, whatever its name and place."""
    files = [file for file in reversed(refresh_index(folder, index)) if file.sha256]
    return {file.sha256: found_path(folder, file.path).absolute() for file in files}


def find_models(record: Record, given: Mapping[str, Path], roots: Iterable[Path]) -> dict[str, Path | None]:
    """Where each model lies: as given, else at its recorded path below one of `roots`, else nowhere (None).

    Raises UserError where a name is given that the record does not have.
    """
    for name in given:
        if name not in record.models:
            raise UserError(f"--model: the record has no model {name!r}; it has {', '.join(sorted(record.models))}")
    places = [root.absolute() for root in roots]
    return {
        name: given[name].absolute()
        if name in given
        else next((root / model.source for root in places if (root / model.source).exists()), None)
        for name, model in record.models.items()
    }


def lay_out(record: Record, photos: Mapping[str, Path], models: Mapping[str, Path | None], work: Path) -> None:
    """Write the project that is to be run: links to exactly the recorded files, a config and a target.

    The texts beside photos come from the record, under the names that the photos have here.
    """
    for sha256 in record.dataset.all_photos:
        _link(photos[sha256], work / PHOTOS / f"{sha256[:16]}.photo")
    for photo, text in record.dataset.sidecars.items():
        write_text(work / PHOTOS / f"{photo}.txt", text)
    _write_overrides(record, work / OVERRIDES)
    places = {name: _lay_out_model(record, name, folder, work) for name, folder in models.items() if folder is not None}
    write_text(work / f"{record.target}.yaml", _yaml(target_settings(record, places)))
    write_text(work / CONFIG, _yaml(project_settings(record, places)))


def _link(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(file)


def _lay_out_model(record: Record, name: str, folder: Path, work: Path) -> str:
    """Link the recorded files of a model; the place, relative to `work`.

    The base model keeps its recorded name, which LoRA files tell; two helpers may have the same name, so that each
    gets a folder of its own.
    """
    model = record.models[name]
    place = model.source if name == record.target else f"{HELPERS}/{name}"
    if model.one_file and name != record.target:
        place += f"/{next(iter(model.files))}"
    for file in model.files:
        _link(model_file(folder, file).resolve(), work / place if model.one_file else work / place / file)
    return place


def _write_overrides(record: Record, path: Path) -> None:
    rows = [
        {
            "photo": photo,
            "keep": {None: "", True: "yes", False: "no"}[override.keep],
            "box": " ".join(repr(number) for number in override.box or ()),
            "caption": override.caption or "",
        }
        for photo, override in record.dataset.overrides.items()
    ]
    write_table(path, ("photo", "keep", "box", "caption"), rows)


def _yaml(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=True, allow_unicode=True)


def _source(record: Record, name: str, places: Mapping[str, str]) -> tuple[str, str]:
    """The model and revision to write: the files that lie here, else the commit of the Hub that was used."""
    model: ModelRecord = record.models[name]
    return (places[name], "local") if name in places else (model.source, model.revision)


def target_settings(record: Record, places: Mapping[str, str]) -> dict[str, Any]:
    """The recorded target, with the models that lie here or at the commit that was used."""
    target = record.settings.target
    model, revision = _source(record, record.target, places)
    changed = {"model": model, "revision": revision}
    polisher = polisher_label(record.target)
    if polisher not in record.models:
        return {**target, **changed}
    polish = dict(zip(("polish", "polish_revision"), _source(record, polisher, places), strict=True))
    return {**target, **changed, "captions": {**target["captions"], **polish}}


# The keys under `masks` of the models that find subjects, by the name of their lock.
MASK_KEYS = {
    "segmenter": ("model", "revision"),
    "box_finder": ("box_model", "box_revision"),
    "second_segmenter": ("second", "second_revision"),
}


def project_settings(record: Record, places: Mapping[str, str]) -> dict[str, Any]:
    """The recorded config, with photos, overrides, target and models of the folder in place of those recorded."""
    config = record.settings.config
    captioner = dict(zip(("model", "revision"), _source(record, "captioner", places), strict=True))
    changed = {}
    if "embedding" in record.models:
        embedding = dict(zip(("embedding", "embedding_revision"), _source(record, "embedding", places), strict=True))
        changed["duplicates"] = {**config["duplicates"], **embedding}
    clip = dict(zip(("clip", "clip_revision"), _source(record, "clip", places), strict=True))
    masks: dict[str, str] = {}
    for name, keys in MASK_KEYS.items():
        if name in record.models:
            masks |= dict(zip(keys, _source(record, name, places), strict=True))
    return {
        **config,
        **changed,
        "photos": PHOTOS,
        "overrides": OVERRIDES if record.dataset.overrides else None,
        "targets": [f"{record.target}.yaml"],
        "masks": {**config["masks"], **masks},
        "captioner": {**config["captioner"], **captioner},
        "evaluation": {**config["evaluation"], **clip},
    }


def rebuild(record: Record, work: Path, checkout: Path, cores: str, environment: Mapping[str, str]) -> Path | None:
    """Run the real workflow in `work` up to the LoRA; the folder of the LoRA, or None where the run failed."""
    lora = Path("results") / record.project / record.target / record.run / "lora"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(checkout / "Snakefile"), "--directory", str(work)]
    command += ["--configfile", str(work / CONFIG), "--cores", cores, "--", str(lora / "provenance.json")]
    done = subprocess.run(command, stdout=sys.stderr, env=dict(environment), check=False)
    return work / lora if done.returncode == 0 else None
