"""Publish the chosen checkpoint: LoRA files for every loader, model card and provenance."""

import json
from pathlib import Path

from darkroom.captions.caption_sources import read_sidecars
from darkroom.config.captions import SubjectSettings
from darkroom.config.project import Target
from darkroom.config.training import TrainingSettings
from darkroom.contracts.checkpoint_files import chosen_checkpoint
from darkroom.contracts.choice import read_choice
from darkroom.contracts.manifest import read_manifest
from darkroom.contracts.overrides import read_overrides
from darkroom.families.base import family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.models.lock import read_lock
from darkroom.publishing.lora_files import read_checkpoint, write_lora
from darkroom.publishing.lora_metadata import Training, published_files
from darkroom.publishing.model_card import model_card
from darkroom.publishing.provenance import Circumstances, Given, provenance
from darkroom.publishing.run_record import RunRecord, figures, run_settings, write_run
from darkroom.storage.files import read_json, sha256_file, write_json, write_text
from darkroom.storage.portable_paths import portable
from darkroom.storage.tables import read_table


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--target-name", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--choice", type=Path, required=True, help="choice.json")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of the run's checkpoints")
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.json")
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv")
    parser.add_argument("--validation", type=Path, required=True, help="validation.csv")
    parser.add_argument("--log", type=Path, required=True, help="log.csv of the training")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the base model")
    parser.add_argument("--helpers", type=Path, nargs="*", default=[], help="lock files of the other models used")
    parser.add_argument("--photos", type=Path, required=True, help="photos.csv")
    parser.add_argument("--folder", type=Path, required=True, help="folder of the photos, where the sidecars lie")
    parser.add_argument("--overrides", nargs="?", help="overrides.csv; none where empty")
    parser.add_argument("--machine", type=Path, required=True, help="machine.json of the training")
    parser.add_argument("--grid", required=True, help="path of the grid as seen from the model card")
    parser.add_argument("--subject", required=True, help="SubjectSettings as JSON")
    parser.add_argument("--training", required=True, help="TrainingSettings as JSON")
    parser.add_argument("--config", required=True, help="the whole config as JSON, for the provenance")
    parser.add_argument("--target", required=True, help="the whole target as JSON, for the provenance")
    parser.add_argument("--lora", type=Path, required=True, help="LoRA under diffusers' names, to write")
    parser.add_argument("--comfyui", type=Path, required=True, help="LoRA under kohya's names, to write")
    parser.add_argument("--card", type=Path, required=True, help="README.md, to write")
    parser.add_argument("--provenance", type=Path, required=True, help="provenance.json, to write")
    parser.add_argument("--record", type=Path, required=True, help="run.json, to write")
    arguments = parser.parse_args()
    checkout = Path(__file__).absolute().parents[1]
    config, target = json.loads(arguments.config), Target.from_argument(arguments.target)
    model, choice = read_lock(arguments.model), read_choice(arguments.choice)
    training = Training(
        project=arguments.project,
        target=arguments.target_name,
        run=arguments.run,
        subject=SubjectSettings.from_argument(arguments.subject),
        base_model=portable(model.source, checkout),
        base_revision=model.revision,
        settings=TrainingSettings.from_argument(arguments.training),
        resolutions=target.crop.resolutions,
        frames=read_manifest(arguments.manifest),
        choice=choice,
    )
    checkpoint = read_checkpoint(chosen_checkpoint(arguments.checkpoints, choice.step))
    manifest_sha256 = sha256_file(arguments.manifest)
    module = family(target.family)
    diffusers, comfyui = published_files(training, module, model.path, checkpoint, manifest_sha256)
    write_lora(arguments.lora, *diffusers)
    write_lora(arguments.comfyui, *comfyui)
    hashes = {path.name: sha256_file(path) for path in (arguments.lora, arguments.comfyui)}
    scores, validation = read_table(arguments.scores), read_table(arguments.validation)
    write_text(arguments.card, model_card(training, module, scores, validation, arguments.grid, hashes))
    photos = read_table(arguments.photos)
    given = Given(
        photos,
        read_sidecars(photos, arguments.folder),
        read_overrides(Path(arguments.overrides) if arguments.overrides else None, photos),
    )
    locks = {path.stem: read_lock(path) for path in [arguments.model, *arguments.helpers]}
    as_json = target.model_dump(mode="json", by_alias=True)
    circumstances = Circumstances(locks, config, as_json, read_json(arguments.machine))
    record = provenance(training, given, circumstances, manifest_sha256, hashes, checkout)
    write_json(arguments.provenance, record)
    result = figures(choice, scores, validation, read_table(arguments.log))
    settings = run_settings(training.settings, target, training.base_model)
    write_run(arguments.record, RunRecord(training.target, training.run, settings, result))
    print(
        f"publish_lora: step {choice.step} at strength {choice.strength:g}, "
        f"tensors {len(checkpoint.tensors)}/{len(checkpoint.tensors)}, pictures {len(training.train_frames)}"
    )


if __name__ == "__main__":
    run_command(main)
