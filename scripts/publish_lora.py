"""Publish the chosen checkpoint: LoRA files for every loader, model card and provenance."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from darkroom.captions.caption_sources import read_sidecars
from darkroom.config.loading import run_training
from darkroom.config.project import DECIDE_NOTHING, Config, Target
from darkroom.contracts.checkpoint_files import chosen_checkpoint
from darkroom.contracts.choice import read_choice
from darkroom.contracts.evaluation_tables import read_scores
from darkroom.contracts.manifest import read_manifest
from darkroom.contracts.overrides import read_overrides
from darkroom.contracts.training_tables import read_validations
from darkroom.errors import UserError
from darkroom.families.base import family
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.models.lock import read_lock
from darkroom.photo_folder.photo_table import read_photos
from darkroom.publishing.lora_files import read_checkpoint, write_lora
from darkroom.publishing.lora_metadata import Training, published_files
from darkroom.publishing.model_card import model_card
from darkroom.publishing.provenance import BuildInfo, UserInputs, provenance
from darkroom.storage.files import read_json, sha256_file, write_json, write_text
from darkroom.storage.portable_paths import portable


@dataclass(frozen=True)
class Arguments:
    target_name: str
    run: str
    run_folder: Annotated[Path, "folder of the run: training/ and evaluation/, to read, and lora/, to write"]
    manifest: Annotated[Path, "manifest.json"]
    model: Annotated[Path, "lock file of the base model"]
    photos: Annotated[Path, "photos.csv"]
    config: Annotated[Config, "the whole config as JSON"]
    target: Annotated[Target, "the whole target as JSON"]
    helpers: Annotated[list[Path], "lock files of the other models used"] = field(default_factory=list)
    overrides: Annotated[Path | None, "overrides.csv; none where empty"] = None


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    checkout = Path(__file__).absolute().parents[1]
    config, target, run = arguments.config, arguments.target, arguments.run_folder
    if arguments.run not in config.runs:
        raise UserError(f"--run: there is no run {arguments.run}; the config has {', '.join(config.runs)}")
    lora = run / "lora" / config.project
    model, choice = read_lock(arguments.model), read_choice(run / "evaluation" / "choice.json")
    training = Training(
        project=config.project,
        target=arguments.target_name,
        run=arguments.run,
        subject=config.subject,
        base_model=portable(model.source, checkout),
        base_revision=model.revision,
        settings=run_training(target, config.training, config.runs[arguments.run], arguments.run),
        resolutions=target.crop.resolutions,
        frames=read_manifest(arguments.manifest),
        choice=choice,
    )
    checkpoint = read_checkpoint(chosen_checkpoint(run / "training" / "checkpoints", choice.step))
    manifest_sha256 = sha256_file(arguments.manifest)
    module = family(target.family)
    diffusers, comfyui = published_files(training, module, model.path, checkpoint, manifest_sha256)
    files = [lora.with_name(f"{lora.name}{suffix}") for suffix in (".safetensors", ".comfyui.safetensors")]
    for path, content in zip(files, (diffusers, comfyui), strict=True):
        write_lora(path, *content)
    hashes = {path.name: sha256_file(path) for path in files}
    scores = read_scores(run / "evaluation" / "scores.csv")
    validation = read_validations(run / "training" / "validation.csv")
    card = model_card(training, module, scores, validation, "../evaluation/grid.png", hashes)
    write_text(run / "lora" / "README.md", card)
    found = read_photos(arguments.photos)
    sidecars = read_sidecars(found, Path(config.photos))
    inputs = UserInputs(found, sidecars, read_overrides(arguments.overrides, found))
    build = BuildInfo(
        {path.stem: read_lock(path) for path in [arguments.model, *arguments.helpers]},
        config.model_dump(mode="json", by_alias=True, exclude=DECIDE_NOTHING),
        target.model_dump(mode="json", by_alias=True),
        read_json(run / "training" / "machine.json"),
    )
    record = provenance(training, inputs, build, manifest_sha256, hashes, checkout)
    write_json(run / "lora" / "provenance.json", record)
    print(
        f"publish_lora: step {choice.step} at strength {choice.strength:g}, "
        f"tensors {len(checkpoint.tensors)}/{len(checkpoint.tensors)}, pictures {len(training.train_frames)}"
    )


if __name__ == "__main__":
    run_command(main)
