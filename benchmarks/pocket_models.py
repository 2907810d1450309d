"""Figures of the pocket models on fresh renders and prompts, and sheets of samples to look at."""

import argparse
import sys
from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from darkroom.models.clip import load_clip  # noqa: E402
from darkroom.pocket.autoencoder_scores import score_hues, score_round_trips  # noqa: E402
from darkroom.pocket.clip_scores import score_likeness, score_retrieval  # noqa: E402
from darkroom.pocket.scoring import load_captioner, score_captioner, score_prompts  # noqa: E402

PAINTERS = ("sdxl", "flux")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "resources" / "pocket")
    parser.add_argument("--quick", action="store_true", help="a fifth of the pictures")
    parser.add_argument("--sheets", type=Path, default=ROOT / "build", help="folder for the sheets of samples")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    share = 5 if arguments.quick else 1
    painters = {name: DiffusionPipeline.from_pretrained(str(arguments.models / name)) for name in PAINTERS}
    vae = painters["sdxl"].vae
    captioner = load_captioner(str(arguments.models / "florence2"))
    clip = load_clip(arguments.models / "clip", torch.device("cpu"))

    print("autoencoder, fresh renders there and back: PSNR in dB")
    for name, value in score_round_trips(vae, 200 // share).items():
        print(f"  {name:24} {value}")
    print(f"autoencoder, delta E between the means of a hue before and after, {100 // share} fresh toys of each")
    for name, moved in score_hues(vae, 100 // share).items():
        print(f"  {name:24} {moved:.1f}")

    scores = score_captioner(captioner, 300 // share)
    print(f"captioner, {300 // share} fresh test renders")
    for name, rate in scores["rates"].items():
        print(f"  {name:24} {rate}")
    print(f"  {'mean of the attributes':24} {100 * scores['mean']:.1f} %")
    print(f"  {'whole caption exact':24} {scores['exact']}")
    print(f"  {'<OD> IoU':24} {scores['overlap']}")

    print("CLIP, fresh test renders")
    print(f"  {'caption among 100':24} {score_retrieval(clip, 5 // share)}")
    for name, value in score_likeness(clip, 100 // share).items():
        print(f"  {'likeness of ' + name:24} {value}")

    arguments.sheets.mkdir(parents=True, exist_ok=True)
    for name, pipeline in painters.items():
        print(f"{name}, {200 // share} fresh prompts, seed = number of the prompt, judged by the pocket captioner")
        rates, samples = score_prompts(pipeline, captioner, 200 // share)
        for kind, by_attribute in rates.items():
            print(f"  {kind:9}" + "; ".join(f"{attribute} {rate}" for attribute, rate in by_attribute.items()))
        sheet = arguments.sheets / f"pocket_{name}.png"
        draw_sheet(samples[:32]).save(sheet)
        print(f"samples: {sheet.name}")


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
