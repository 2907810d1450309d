"""Load a LoRA file into its base model, check that all of it is used and that it changes the output."""

import sys
from pathlib import Path

from darkroom.config.base import ComputeSettings
from darkroom.families.base import family
from darkroom.jobs.command import run_command, stage_parser
from darkroom.jobs.device import prepare_device
from darkroom.publishing.verification import verify_lora


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("lora", type=Path, help="a LoRA file, under diffusers' or kohya's names")
    parser.add_argument("--model", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--family", default="sdxl", help="family of the base model")
    parser.add_argument("--prompt", default="a photo", help="what is rendered, best with the trigger in it")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--image-size", type=int, default=1024, help="side of the pictures in pixels")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="gpu")
    arguments = parser.parse_args()

    device = prepare_device(arguments.device, ComputeSettings().training_threads)
    module = family(arguments.family)
    pipeline = module.load_pipeline(arguments.model, device)
    found = verify_lora(arguments.lora, pipeline, module, arguments.prompt, arguments.strength, arguments.image_size)
    state = "good" if found.good else "NOT GOOD"
    used = f"modules used {found.used}/{found.modules}"
    print(f"verify_lora: {state}: {used}, a picture changes by {found.change:.2f} of 255")
    sys.exit(0 if found.good else 1)


if __name__ == "__main__":
    run_command(main)
