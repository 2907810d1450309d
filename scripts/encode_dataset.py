"""Encode pictures, masks and captions of a dataset once, so that training holds the denoiser only."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from darkroom.config.base import ComputeSettings
from darkroom.contracts.manifest import read_manifest
from darkroom.contracts.rendered_tables import read_priors
from darkroom.families.base import code_modules, family
from darkroom.jobs.arguments import read_arguments
from darkroom.jobs.command import run_command
from darkroom.jobs.device import prepare_device
from darkroom.models.lock import read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.tables import write_rows
from darkroom.training import picture_encoding
from darkroom.training.dataset_encoding import Dataset, check_dataset, encode_dataset
from darkroom.training.encodings import Encoding


@dataclass(frozen=True)
class Arguments:
    manifest: Path
    images: Annotated[Path, "folder of the dataset's pictures"]
    masks: Annotated[Path, "folder of the dataset's masks"]
    model: Annotated[Path, "lock file of the base model"]
    family: str
    compute: ComputeSettings
    cache: Path
    encodings: Annotated[Path, "folder of encodings, to write"]
    table: Annotated[Path, "encodings.csv, to write"]
    prior: Annotated[Path | None, "prior.csv, beside the folder prior/; none where empty"] = None
    mirror: Annotated[bool, "encode mirrored frames, too"] = False
    tokens: Annotated[bool, "keep the captions' tokens, for adapted text encoders"] = False


def main() -> None:
    arguments = read_arguments(Arguments, __doc__)
    compute = arguments.compute
    model, module = read_lock(arguments.model), family(arguments.family)
    dataset = Dataset(read_manifest(arguments.manifest), arguments.images, arguments.masks)
    check_dataset(dataset)

    key = {"model": model.digest, "device": compute.device, "threads": compute.training_threads}
    key["code"] = code_version(*picture_encoding.MODULES, *code_modules(module))
    encoder = picture_encoding.Encoder(
        module,
        model.path,
        lambda: prepare_device(compute.device, compute.training_threads),
        key,
        Cache(arguments.cache / "encodings"),
    )
    shutil.rmtree(arguments.encodings, ignore_errors=True)
    priors = read_priors(arguments.prior) if arguments.prior else []
    prior_folder = arguments.prior.with_suffix("") if arguments.prior else None
    rows, computed = encode_dataset(
        encoder, dataset, priors, prior_folder, arguments.mirror, arguments.encodings, arguments.tokens
    )
    write_rows(arguments.table, Encoding, rows)
    total = len(dataset.frames)
    masks = sum(1 for row in rows if row.mask)
    captions = sum(1 for row in rows if row.kind == "frame" and row.text)
    print(
        f"encode_dataset: pictures {total}/{total}, captions {captions}/{total}, masks {masks}/{total}, "
        f"prior {len(priors)}, computed {sum(computed.values())} "
        f"({', '.join(f'{kind} {count}' for kind, count in computed.items())})"
    )


if __name__ == "__main__":
    run_command(main)
