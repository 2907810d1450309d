"""What a rebuilding compares, and what it finds: photos, models, settings, code, packages, machine, files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from darkroom.config.loading import check, run_training
from darkroom.config.project import DECIDE_NOTHING, Config, Target
from darkroom.errors import one_line
from darkroom.models.lock import model_file
from darkroom.publishing.provenance import code_record, package_versions
from darkroom.publishing.record import ModelRecord, Record
from darkroom.storage.files import sha256_file

# Settings that a LoRA file tells in its metadata.
TOLD = (
    "modelspec.architecture", "modelspec.resolution", "modelspec.trigger_phrase", "ss_sd_model_name",
    "ss_network_dim", "ss_network_alpha", "ss_learning_rate", "ss_optimizer", "ss_lr_scheduler", "ss_max_train_steps",
    "ss_batch_size_per_device", "ss_seed", "ss_mixed_precision", "ss_caption_dropout_rate", "lora_adapter_metadata",
)  # fmt: skip

State = Literal["same", "differs", "missing", "later"]


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was compared, whether it is the same, and what differs. `later`: after the run."""

    what: str
    state: State
    detail: str = ""

    @property
    def mismatch(self) -> bool:
        """Whether it is a cause of other bytes."""
        return self.state in ("differs", "missing")

    def __str__(self) -> str:
        return f"{self.what:<24} {self.state:<8} {self.detail}".rstrip()


def photo_finding(record: Record, found: Mapping[str, Path]) -> Finding:
    """Whether every photo of the record was found by its bytes."""
    wanted = record.dataset.all_photos
    missing = [sha256 for sha256 in wanted if sha256 not in found]
    if missing:
        return Finding("photos", "missing", f"{len(missing)} of {len(wanted)}: {', '.join(missing)}")
    return Finding("photos", "same", f"{len(wanted)}/{len(wanted)}")


def model_finding(name: str, model: ModelRecord, folder: Path | None) -> Finding:
    """Whether the files of a model are those recorded. A model without a folder is fetched from the Hub."""
    what = f"model {name}"
    if folder is None and model.revision != "local":
        return Finding(what, "later", f"{model.source} is fetched from the Hub at {model.revision}")
    if folder is None or not folder.exists():
        return Finding(what, "missing", f"{folder or model.source} is not there; give --model {name}=PATH")
    for file, sha256 in model.files.items():
        path = model_file(folder, file)
        if not path.is_file():
            return Finding(what, "missing", f"{path}: this file of {model.source} is not there")
        if sha256_file(path) != sha256:
            return Finding(what, "differs", f"{path}: its bytes are not those recorded ({sha256[:16]})")
    return Finding(what, "same", f"{len(model.files)}/{len(model.files)} files")


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level: `selection.min_side`."""
    if not isinstance(values, Mapping) or not values:
        return {prefix.rstrip("."): values}
    return {name: item for key, value in values.items() for name, item in _flat(value, f"{prefix}{key}.").items()}


def differing(recorded: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What differs between two groups of settings: `rank: recorded 8, here 4`."""
    one, other = _flat(recorded, prefix), _flat(here, prefix)
    return [
        f"{name}: recorded {one.get(name, 'nothing')}, here {other.get(name, 'nothing')}"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]


def settings_findings(record: Record, source: str) -> list[Finding]:
    """Whether the settings are whole and agree with each other, and whether this Darkroom understands them the same.

    Raises UserError where a key is unknown here or a value is wrong.
    """
    config: Config = check(Config, record.settings.config, f"{source}: settings.config")
    target: Target = check(Target, record.settings.target, f"{source}: settings.target")
    training = run_training(target, config.training, config.runs[record.run], record.run, f"{source}: ")
    given = differing(record.settings.training, training.model_dump(mode="json"), "training.")
    recorded = {key: value for key, value in record.settings.config.items() if key not in DECIDE_NOTHING}
    read = differing(recorded, config.model_dump(mode="json", by_alias=True, exclude=DECIDE_NOTHING))
    read += differing(record.settings.target, target.model_dump(mode="json", by_alias=True), "target.")
    return [
        _list("settings", [text.replace(", here", ", but config and target give") for text in given]),
        _list("settings as read here", read),
    ]


def surroundings_findings(record: Record, checkout: Path, machine: Mapping[str, Any]) -> list[Finding]:
    """Whether code, packages and machine are those of the record. They may differ and still give the same bytes."""
    code = code_record(checkout)
    commits = [str(each.get("commit") or "unknown")[:12] for each in (record.code, code)]
    told = (
        f"commit {commits[0]}, here {commits[1]}" if commits[0] != commits[1] else f"other files at commit {commits[0]}"
    )
    unlike = record.code.get("sha256") != code["sha256"]
    known = package_versions()
    here = {name: known.get(name, "not installed") for name in record.packages}
    return [
        Finding("code", "differs" if unlike else "same", told if unlike else ""),
        _list("packages", differing(record.packages, here)),
        _list("machine", differing(record.machine, machine)),
    ]


def _list(what: str, differences: Iterable[str]) -> Finding:
    text = "; ".join(differences)
    return Finding(what, "differs" if text else "same", text)


def manifest_finding(record: Record, rebuilt: Record) -> Finding:
    """Whether the dataset is the same, and the first photo or frame in which it is not."""
    before, after = record.dataset, rebuilt.dataset
    if before.manifest_sha256 == after.manifest_sha256:
        return Finding("manifest", "same", f"{len(before.frames)}/{len(before.frames)} frames")
    splits = (
        {photo.sha256: photo.split for photo in before.photos},
        {photo.sha256: photo.split for photo in after.photos},
    )
    for name in sorted(splits[0].keys() | splits[1].keys()):
        was, now = (each.get(name, "not used") for each in splits)
        if was != now:
            return Finding("manifest", "differs", f"photo {name}: {was} recorded, {now} here")
    for frame in sorted(before.frames.keys() | after.frames.keys()):
        one, other = before.frames.get(frame, {}), after.frames.get(frame, {})
        parts = [
            part.removesuffix("_sha256")
            for part in sorted(one.keys() | other.keys())
            if one.get(part) != other.get(part)
        ]
        if parts:
            return Finding("manifest", "differs", f"frame {frame}: {', '.join(parts)} differs")
    return Finding("manifest", "differs", "the wording of a caption or a size")


def result_findings(record: Record, rebuilt: Record, published: Path, made: Path) -> list[Finding]:
    """Fetched models, manifest, each LoRA file and the choice. `published` and `made` are the folders of the files."""
    fetched = [
        _list(f"model {name}", differing(model.files, rebuilt.models[name].files))
        for name, model in record.models.items()
    ]
    before, after = (each.choice.model_dump(exclude={"reason"}) for each in (record, rebuilt))
    return [
        *(finding for finding in fetched if finding.mismatch),
        manifest_finding(record, rebuilt),
        *(_file_finding(name, sha256, rebuilt, published, made) for name, sha256 in record.files.items()),
        _list("choice", differing(before, after)),
    ]


def _file_finding(name: str, sha256: str, rebuilt: Record, published: Path, made: Path) -> Finding:
    if name not in rebuilt.files:
        return Finding(name, "missing", "this Darkroom publishes no such file")
    if rebuilt.files[name] == sha256:
        return Finding(name, "same", sha256)
    if (published / name).is_file():
        return Finding(name, "differs", lora_difference(published / name, made / name))
    return Finding(name, "differs", f"recorded {sha256[:16]}, here {rebuilt.files[name][:16]}")


def published_findings(record: Record, published: Path) -> list[Finding]:
    """Whether the files beside the record are those of the record; none where none lie there."""
    return [
        Finding(f"{name} beside it", "differs", "its bytes are not those recorded")
        for name, sha256 in record.files.items()
        if (published / name).is_file() and sha256_file(published / name) != sha256
    ]


def told_settings_finding(record: Record, published: Path, made: Path) -> Finding:
    """Whether the published files name the settings that the record says, where they lie beside it.

    What they say of dataset and chosen step is left out: that may follow from something else.
    """
    from safetensors import SafetensorError, safe_open

    what = "settings in the files"
    for name in record.files:
        if not ((published / name).is_file() and (made / name).is_file()):
            continue
        try:
            with safe_open(published / name, "pt") as one, safe_open(made / name, "pt") as other:
                before, after = _told(one.metadata()), _told(other.metadata())
        except (SafetensorError, OSError) as error:
            return Finding(what, "differs", f"{published / name} cannot be read ({one_line(error, 100)})")
        differences = [text.replace("recorded", "published", 1) for text in differing(before, after)]
        if differences:
            return _list(what, differences)
    return Finding(what, "same")


def _told(metadata: Mapping[str, str] | None) -> dict[str, str]:
    return {key: text for key, text in (metadata or {}).items() if key in TOLD}


def lora_difference(published: Path, made: Path) -> str:
    """How far the tensors of two LoRA files are apart."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(published, "pt") as one, safe_open(made, "pt") as other:
            names = sorted(one.keys())
            if names != sorted(other.keys()):
                return f"{len(names)} tensors published, {len(list(other.keys()))} here, or other names"
            pairs = [(one.get_tensor(name), other.get_tensor(name)) for name in names]
            if any(before.shape != after.shape for before, after in pairs):
                return "tensors have other shapes"
            largest = max(float((before - after).abs().max()) for before, after in pairs)
            return f"tensors differ by at most {largest:.3g}" if largest else "the same tensors, other metadata"
    except (SafetensorError, OSError) as error:
        return f"it cannot be compared ({one_line(error, 100)})"
