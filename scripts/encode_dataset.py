"""Encode pictures, masks and captions of a dataset once, so that training holds the denoiser only."""

import shutil
from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.config.captions import SubjectSettings
from darkroom.families.base import code_modules, family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.jobs.device import prepare_device
from darkroom.models.lock import read_lock
from darkroom.storage.cache import Cache
from darkroom.storage.code_version import code_version
from darkroom.storage.files import read_json
from darkroom.storage.tables import read_table, write_table
from darkroom.training import picture_encoding
from darkroom.training.dataset_encoding import Dataset, check_dataset, encode_dataset
from darkroom.training.encodings import COLUMNS


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of the dataset's pictures")
    parser.add_argument("--masks", type=Path, required=True, help="folder of the dataset's masks")
    parser.add_argument("--subject", required=True, help="SubjectSettings as JSON")
    parser.add_argument("--prior", type=Path, nargs="?", help="prior.csv, beside the folder prior/; none where empty")
    parser.add_argument("--model", type=Path, required=True, help="lock file of the base model")
    parser.add_argument("--family", required=True)
    parser.add_argument("--mirror", action="store_true", help="encode mirrored frames, too")
    parser.add_argument("--tokens", action="store_true", help="keep the captions' tokens, for adapted text encoders")
    parser.add_argument("--compute", required=True, help="ComputeSettings as JSON")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--encodings", type=Path, required=True, help="folder of encodings, to write")
    parser.add_argument("--table", type=Path, required=True, help="encodings.csv, to write")
    arguments = parser.parse_args()
    compute = ComputeSettings.from_argument(arguments.compute)
    model, module = read_lock(arguments.model), family(arguments.family)
    subject = SubjectSettings.from_argument(arguments.subject)
    dataset = Dataset(read_json(arguments.manifest)["frames"], arguments.images, arguments.masks, subject.trigger)
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
    priors = read_table(arguments.prior) if arguments.prior else []
    prior_folder = arguments.prior.with_suffix("") if arguments.prior else None
    rows, computed = encode_dataset(
        encoder, dataset, priors, prior_folder, arguments.mirror, arguments.encodings, arguments.tokens
    )
    write_table(arguments.table, COLUMNS, rows)
    total = len(dataset.frames)
    masks = sum(1 for row in rows if row["mask"])
    captions = sum(1 for row in rows if row["kind"] == "frame" and row["text"])
    print(
        f"encode_dataset: pictures {total}/{total}, captions {captions}/{total}, masks {masks}/{total}, "
        f"prior {len(priors)}, computed {sum(computed.values())} "
        f"({', '.join(f'{kind} {count}' for kind, count in computed.items())})"
    )


if __name__ == "__main__":
    run_command(main)
