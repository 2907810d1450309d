"""Figures of the pocket models on fresh renders and prompts, and a sheet of samples to look at."""

import argparse
import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from darkroom.pocket.scoring import load_captioner, score_autoencoder, score_captioner, score_sdxl  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "resources" / "pocket")
    parser.add_argument("--quick", action="store_true", help="a fifth of the pictures")
    parser.add_argument("--sheet", type=Path, default=ROOT / "build" / "pocket_samples.png")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    from diffusers import StableDiffusionXLPipeline

    share = 5 if arguments.quick else 1
    captioner = load_captioner(str(arguments.models / "florence2"))
    scores = score_captioner(captioner, 300 // share)
    print(f"captioner, {300 // share} fresh test renders (seeds 2,000,000 and up)")
    for name, rate in scores["rates"].items():
        print(f"  {name:10} {rate}")
    print(f"  mean {100 * scores['mean']:.1f} %, whole caption exact {scores['exact']}")
    print(f"  <OD> mean overlap {scores['overlap']:.3f}")

    pipeline = StableDiffusionXLPipeline.from_pretrained(str(arguments.models / "sdxl"))
    print(f"autoencoder, {100 // share} fresh renders each: PSNR in dB, mean colour drift of the toy in 255 steps")
    for name, value in score_autoencoder(pipeline.vae, 100 // share).items():
        print(f"  {name:24} {value:.1f}")

    print(f"SDXL, {100 // share} fresh prompts, seed = number of the prompt, judged by the pocket captioner")
    rates, samples = score_sdxl(pipeline, captioner, 100 // share)
    for kind, by_attribute in rates.items():
        print(f"  {kind:9}" + "; ".join(f"{name} {rate}" for name, rate in by_attribute.items()))
    arguments.sheet.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet(samples[:32]).save(arguments.sheet)
    print(f"samples: {arguments.sheet.name}")


def draw_sheet(samples: list[tuple[str, Image.Image]], columns: int = 8, side: int = 160) -> Image.Image:
    """Samples enlarged, each above its prompt in three short lines."""
    rows = (len(samples) + columns - 1) // columns
    sheet = Image.new("RGB", (columns * side, rows * (side + 36)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (prompt, picture) in enumerate(samples):
        x, y = number % columns * side, number // columns * (side + 36)
        sheet.paste(picture.resize((side - 4, side - 4), Image.Resampling.NEAREST), (x, y))
        for line in range(3):
            draw.text((x + 1, y + side - 4 + 12 * line), prompt[27 * line : 27 * line + 27], "black", font_size=10)
    return sheet


if __name__ == "__main__":
    main()
