"""A project as a run of Snakemake sees it: its config, targets, runs and photos, and what rules ask of them."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from darkroom.config.loading import check, check_models, load_target, run_training, with_found_paths
from darkroom.config.project import (
    DECIDE_NOTHING,
    Config,
    Target,
    mask_models,
    polisher_label,
    target_label,
    tokenizers_label,
)
from darkroom.config.training import Recipe, TrainingSettings, check_compute
from darkroom.contracts.checkpoint_files import checkpoint_steps, step_name
from darkroom.errors import UserError
from darkroom.families.base import FAMILIES, family
from darkroom.models.fetch import EVERYTHING, local_files
from darkroom.photo_folder.index import IndexedFile, refresh_index, shard_of
from darkroom.storage.code_version import installed_version
from darkroom.storage.files import canonical_json, sha256_bytes
from darkroom.storage.portable_paths import portable

LOGGER = logging.getLogger(__name__)

CACHE = ".darkroom/cache"
STATES = ".darkroom/training"
INDEX_FOLDER = ".darkroom/index"
# Models that the photos need, by the names of their locks.
HELPERS = ("captioner", "segmenter", "clip", "embedding", "box_finder", "second_segmenter")


@dataclass(frozen=True)
class ModelSource:
    """A model to fetch: a file, a folder or an id of the Hub, its revision, and whose files it has.

    `family` is a model family, or `captioner`, `polisher` or `open_clip`; empty for any model of transformers. Of a
    model family `tokenizers` asks for its tokenizers only.
    """

    model: str
    revision: str
    family: str = ""
    tokenizers: bool = False

    def to_arguments(self) -> str:
        """The words of fetch_model's command line, quoted for a shell."""
        words = ["--model", self.model, "--revision", self.revision]
        words += ["--family", self.family] if self.family else []
        return shlex.join([*words, "--tokenizers"] if self.tokenizers else words)

    @property
    def model_family(self) -> str | None:
        """The model family of a base model, None for other models."""
        return self.family if self.family in FAMILIES else None

    def local_files(self) -> list[str]:
        """Its files where it lies here; none where it is an id of the Hub."""
        return local_files(self.model, family(self.family).TOKENIZER_FILES if self.tokenizers else EVERYTHING)


@dataclass(frozen=True)
class Project:
    """A config read and checked, with its targets by name, the training settings of each run, by target and run, and
    the files of the photos folder. `supplied_masks` gives the user's own masks by the sha256 of their photo; `checkout`
    is Darkroom's own folder."""

    config: Config
    targets: Mapping[str, Target]
    runs: Mapping[tuple[str, str], TrainingSettings]
    files: Sequence[IndexedFile]
    supplied_masks: Mapping[str, IndexedFile]
    checkout: Path

    @property
    def results(self) -> str:
        """The folder of all that the project makes."""
        return f"results/{self.config.project}"

    @property
    def lock(self) -> Path:
        """The file that a run of the project locks."""
        return Path(f".darkroom/locks/{self.config.project}")

    @property
    def index(self) -> str:
        """The index of the photos."""
        return _index(self.config)

    @property
    def mask_index(self) -> str:
        """The index of the supplied masks."""
        return _index(self.config, "masks/")

    @property
    def shards(self) -> list[str]:
        """The names of the shards."""
        return [str(shard) for shard in range(self.config.shards)]

    @cached_property
    def _files_by_shard(self) -> dict[str, list[IndexedFile]]:
        """Found once: Snakemake asks for the params of each job many times."""
        files: dict[str, list[IndexedFile]] = {shard: [] for shard in self.shards}
        for file in self.files:
            files[str(shard_of(file, self.config.shards))].append(file)
        return files

    def _files_of(self, shard: str) -> list[IndexedFile]:
        """The files of a shard; none of one that is not there, as after the number of shards was lowered."""
        return self._files_by_shard.get(str(int(shard)), [])

    def shard_files(self, shard: str) -> str:
        """A param for the files of a shard, by sha256 (or why they have none) and path: another one reruns it alone."""
        return fingerprint([f"{file.sha256 or file.reason}  {file.path}" for file in self._files_of(shard)])

    def shard_masks(self, shard: str) -> str:
        """A param for the supplied masks of a shard, by sha256, each with its photo's."""
        photos = {file.sha256 for file in self._files_of(shard)}
        masks = self.supplied_masks
        return fingerprint([f"{masks[photo].sha256}  {photo}" for photo in photos if photo in masks])

    @property
    def recorded_config(self) -> str:
        """The config as the provenance holds it, as JSON: without the number of shards, which decides nothing."""
        return canonical_json(self.config.model_dump(mode="json", by_alias=True, exclude=DECIDE_NOTHING))

    def compute(self, threads: str) -> str:
        """Where a model runs and on how many threads, as JSON: a knob of the training reruns no captioner."""
        return canonical_json(self.config.compute.model_dump(mode="json", include={"device", threads}))

    @property
    def gpus(self) -> int:
        """The GPUs of a job that runs a model with torch."""
        return 0 if self.config.compute.device == "cpu" else 1

    @property
    def mask_gpus(self) -> int:
        """The GPUs of a job that makes masks: ONNX networks need one only where the onnxruntime here can use it."""
        return self.gpus if self.masks_by_torch or installed_version("onnxruntime-gpu") else 0

    @property
    def masks_by_torch(self) -> bool:
        """Whether a model that looks for the subject by its name makes masks, and not only salient-object networks."""
        return any(model and not model.endswith(".onnx") for model in mask_models(self.config).values())

    @property
    def helpers(self) -> list[str]:
        """The names of all models that the photos need: all but base models and what polishes captions."""
        return [name for name in HELPERS if self.model_source(name).model]

    def polishers(self, target: str) -> list[str]:
        """The name of the model that polishes a target's captions, where one is asked for."""
        return [polisher_label(target)] if self.targets[target].captions.polish else []

    @property
    def models(self) -> list[str]:
        """The names of all models of the project, which are those of their locks."""
        own = [name for target in self.targets for name in (target, tokenizers_label(target), *self.polishers(target))]
        return [*self.helpers, *own]

    def model_source(self, name: str) -> ModelSource:
        """The model of a name, one of `models`."""
        masks, embedding = self.config.masks, self.config.duplicates
        captioner, evaluation = self.config.captioner, self.config.evaluation
        sources = {
            "segmenter": ModelSource(masks.model, masks.revision),
            "box_finder": ModelSource(masks.box_model or "", masks.box_revision),
            "second_segmenter": ModelSource(masks.second or "", masks.second_revision),
            "captioner": ModelSource(captioner.model, captioner.revision, "captioner"),
            "embedding": ModelSource(embedding.embedding or "", embedding.embedding_revision, "open_clip"),
            "clip": ModelSource(evaluation.clip, evaluation.clip_revision, "open_clip"),
        }
        for label, target in self.targets.items():
            base = ModelSource(target.model, target.revision, target.family)
            polisher = ModelSource(target.captions.polish or "", target.captions.polish_revision, "polisher")
            sources |= {label: base, tokenizers_label(label): replace(base, tokenizers=True)}
            sources[polisher_label(label)] = polisher
        return sources[name]

    def recipe(self, target: str, run: str) -> Recipe:
        """Everything that decides the LoRA of a run besides model and encodings."""
        return Recipe(self.runs[target, run], self.targets[target].prior, self.config.validation, self.config.compute)

    def compared_settings(self, target: str, run: str) -> str:
        """What may differ between runs, as JSON: all of their training, and of their target what decides most.

        It is recorded, so that it tells no more of where a model lies than the provenance does.
        """
        of_target = self.targets[target]
        return canonical_json(
            self.runs[target, run].model_dump(mode="json")
            | {
                "model": portable(of_target.model, self.checkout),
                "resolution": of_target.crop.resolution,
                "caption_style": of_target.captions.style,
                "prior_weight": of_target.prior.weight,
            }
        )

    def steps(self, target: str, run: str) -> list[str]:
        """The steps at which a run leaves checkpoints, as names of files hold them: known before it is trained."""
        training = self.runs[target, run]
        return [step_name(step) for step in checkpoint_steps(training.steps, training.checkpoint_every)]

    def runs_of(self, target: str) -> list[TrainingSettings]:
        """The training settings of all runs of a target."""
        return [training for (name, _), training in self.runs.items() if name == target]

    def dataset_batch(self, target: str) -> Any:
        """The frames of a batch that a target's dataset is made for, also for runs of their own batch.

        Not that of a whole training: what suits no run without its own overrides is no mistake.
        """
        return self.config.training.get("batch", self.targets[target].training.batch)

    def encoding_options(self, target: str) -> str:
        """What to encode besides frames, where any run of a target needs it: mirrored ones, captions' tokens."""
        needed = {
            "--mirror": any(training.flip for training in self.runs_of(target)),
            "--tokens": any(training.text_encoder is not None for training in self.runs_of(target)),
        }
        return " ".join(option for option, is_needed in needed.items() if is_needed)


def fingerprint(lines: Sequence[str]) -> str:
    """A param that stands for many lines: how many there are and the sha256 of all."""
    return f"{len(lines)}, sha256 {sha256_bytes(chr(10).join(sorted(lines)).encode())}"


def load_project(values: Any, checkout: Path) -> Project:
    """Check a config, find what it names and index the photos; what is not in the working directory is the checkout's.

    Raises UserError where anything is wrong that can be known before a job runs.
    """
    config = with_found_paths(check(Config, values, "config"), checkout)
    _check_labels(config)
    targets = {target_label(name): load_target(name, checkout) for name in config.targets}
    runs = {
        (name, run): run_training(target, config.training, overrides, run)
        for name, target in targets.items()
        for run, overrides in config.runs.items()
    }
    for (name, _), training in runs.items():
        check_compute(training, targets[name].prior, config.compute)
    check_models(config, targets)
    files = refresh_index(Path(config.photos), Path(_index(config)))
    return Project(config, targets, runs, files, _supplied_masks(config, files), checkout)


def _check_labels(config: Config) -> None:
    """Raise UserError where two targets, or a target and another model, would have the same files."""
    labels = [target_label(name) for name in config.targets]
    others = [name for label in labels for name in (polisher_label(label), tokenizers_label(label))]
    for label in labels:
        if labels.count(label) > 1:
            raise UserError(f"targets: {label} is there twice; leave one out, or give its file another name")
        if label in (*HELPERS, *others):
            raise UserError(f"targets: {label} is the name of another model of a project; give the file another name")


def _index(config: Config, folder: str = "") -> str:
    return f"{INDEX_FOLDER}/{folder}{config.project}.json"


def _supplied_masks(config: Config, files: Sequence[IndexedFile]) -> dict[str, IndexedFile]:
    """The user's own mask of each photo that has one. Masks of no photo are told."""
    if config.masks.supplied is None:
        return {}
    # Loads Pillow, which others need not wait for.
    from darkroom.framing.supplied_masks import match_masks, unused_masks

    masks = refresh_index(Path(config.masks.supplied), Path(_index(config, "masks/")), "masks.supplied")
    found = match_masks(files, masks)
    unused = unused_masks(masks, found)
    if unused:
        LOGGER.warning(
            "darkroom: masks.supplied: %d of %d files belong to no photo and are not used, such as %s",
            len(unused),
            len(masks),
            unused[0],
        )
    return found
