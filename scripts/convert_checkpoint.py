"""Write a checkpoint of one file (.safetensors) as a folder in diffusers form, which a target's `model` can name."""

import os
import shutil
from pathlib import Path

from darkroom.errors import UserError
from darkroom.families import model_folder, single_file
from darkroom.families.base import FAMILIES, family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.models.fetch import fetch_from_hub
from darkroom.models.lock import local_model

ORIGINALS = {
    "sd15": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "sdxl": "stabilityai/stable-diffusion-xl-base-1.0",
    "flux": "black-forest-labs/FLUX.1-dev",
}


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument(
        "file", type=Path, help="a checkpoint with UNet, VAE and text encoders; of flux the transformer"
    )
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument(
        "--config", help="a folder in diffusers form or an id of the Hub: configs, tokenizers, and what the file lacks"
    )
    parser.add_argument("--revision", default="main", help="branch, tag or commit of an id of the Hub")
    parser.add_argument(
        "--prediction",
        choices=single_file.PREDICTIONS,
        help="what sd15 and sdxl predict; as the file or --config says unless given",
    )
    parser.add_argument("--output", type=Path, help="folder to write; beside the file unless given")
    arguments = parser.parse_args()
    file, module = arguments.file, family(arguments.family)
    output = arguments.output or file.with_suffix("")
    if file.suffix != ".safetensors" or not file.is_file():
        raise UserError(f"{file}: there is no such file in safetensors; give one")
    if output.exists():
        raise UserError(f"{output}: it is there already; delete it or give another --output")
    config = arguments.config or ORIGINALS[arguments.family]
    if not local_model(config):
        place, pins = Path(".darkroom/models/configs"), Path(__file__).absolute().parents[1] / "resources" / "pins"
        weights = any("safetensors" in pattern for pattern in module.CONFIG_FILES)
        allow, skip = module.CONFIG_FILES, module.SKIPPED_FILES
        config = fetch_from_hub(config, arguments.revision, allow, skip, place, pins, weights).path
    model_folder.check_family(arguments.family, Path(config))
    partial = output.with_name(f"{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    words = module.convert(file, Path(config), partial, arguments.prediction)
    partial.rename(output)
    print(f"convert_checkpoint: {output}: {words}; give it as `model` of a target of family {arguments.family}")


if __name__ == "__main__":
    # It fetches configs, unless the user has switched the network off.
    os.environ.setdefault("HF_HUB_OFFLINE", "0")
    run_command(main)
