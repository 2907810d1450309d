"""Captions of fresh renders checked against the world's truth, and how fast captioners are alone and in batches."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from darkroom.captions import florence  # noqa: E402
from darkroom.captions.captioners import caption_of, load_captioner  # noqa: E402
from darkroom.config.base import ComputeSettings  # noqa: E402
from darkroom.config.captions import CaptionerSettings  # noqa: E402
from darkroom.jobs.device import prepare_device  # noqa: E402
from darkroom.pocket.caption_scores import SUBJECT, describe_in_shards, lay_out, score_rewrites  # noqa: E402
from darkroom.pocket.scoring import count_attributes, rendered  # noqa: E402
from darkroom.pocket.world import SPLITS, sample_scene  # noqa: E402

POCKET = ROOT / "resources" / "pocket"
SETTINGS = CaptionerSettings.model_validate({"max_tokens": 64})
ANSWER_TOKENS = 64  # of the model of real size, whose weights are random: every answer has the same length


def check_path(count: int, compute: ComputeSettings) -> None:
    """Describe and rewrite fresh renders; print attribute rates, broken rules and what must give the same bytes."""
    describe = load_captioner(POCKET / "florence2", SETTINGS, compute)
    with tempfile.TemporaryDirectory() as name:
        photos, truths = lay_out(count, Path(name))
        answers = describe_in_shards(photos, Path(name), describe, SETTINGS.batch)
        same = {
            "second run": describe_in_shards(photos, Path(name), describe, SETTINGS.batch),
            "4 shards": describe_in_shards(photos, Path(name), describe, SETTINGS.batch, shards=4),
            "one by one": describe_in_shards(photos, Path(name), describe, 1),
        }
    described = {photo: caption_of(answer, SETTINGS, SUBJECT.subject_class) for photo, answer in answers.items()}
    print(f"{count} fresh test renders, described by the pocket Florence-2")
    for key, rate in count_attributes([truths[photo] for photo in described], list(described.values())).items():
        print(f"  {key:24} {rate}")
    for case, others in same.items():
        print(f"  {'same bytes, ' + case:24} {sum(answers[photo] == others[photo] for photo in answers)}/{count}")
    for style in ("sentences", "sentence", "tags"):
        scores = score_rewrites(described, truths, style, POCKET / "sdxl")  # type: ignore[arg-type]
        again = score_rewrites(described, truths, style, POCKET / "sdxl")  # type: ignore[arg-type]
        print(f"rewritten as {style}, such as: {next(iter(scores.captions.values()))}")
        print(
            f"  {'within the limit':24} {count - len(scores.too_long)}/{count}, longest {scores.longest}/{scores.limit}"
        )
        print(f"  {'trigger exactly once':24} {count - len(scores.without_one_trigger)}/{count}")
        print(f"  {'no opener, no hedge':24} {count - len(scores.with_empty_words)}/{count}")
        print(f"  {'not empty':24} {count - len(scores.empty)}/{count}")
        print(f"  {'same bytes, second run':24} {count if again.captions == scores.captions else 0}/{count}")
        for key, rate in scores.rates.items():
            print(f"  {key:24} {rate}")


def seconds_per_picture(
    describe: Callable[[list[Image.Image]], Any], pictures: list[Image.Image], batch: int, clock: Callable[[], float]
) -> float:
    """The least of three runs over all pictures."""
    describe(pictures[:batch])
    runs = []
    for _ in range(3):
        began = clock()
        for start in range(0, len(pictures), batch):
            describe(pictures[start : start + batch])
        runs.append(clock() - began)
    return min(runs) / len(pictures)


def compare_batches(
    name: str,
    load: Callable[[int], Callable[[list[Image.Image]], Any]],
    pictures: list[Image.Image],
    sizes: list[int],
    clock: Callable[[], float],
) -> None:
    """Print the time per picture for each batch size, and how many times faster than one by one."""
    print(f"{name}, {len(pictures)} pictures, beams {SETTINGS.beams}")
    alone = 0.0
    for batch in sizes:
        each = seconds_per_picture(load(batch), pictures, batch, clock)
        alone = alone or each
        print(f"  batch {batch:<18} {1000 * each:.1f} ms per picture, {alone / each:.2f} times one by one")


def large_florence(compute: ComputeSettings) -> Any:
    """Florence-2-large at real size with random weights, and a processor for 768 px."""
    from transformers import BartConfig, Florence2Config, Florence2ForConditionalGeneration, Florence2Processor

    processor: Any = Florence2Processor.from_pretrained(POCKET / "florence2")
    processor.image_processor.size = {"height": 768, "width": 768}
    processor.num_image_tokens = processor.image_processor.image_seq_length = 577
    tokenizer = processor.tokenizer
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "decoder_start_token_id": tokenizer.eos_token_id,
    }
    # The sizes of florence-community/Florence-2-large; the vocabulary is as large as its own.
    text = BartConfig(
        vocab_size=51289,
        d_model=1024,
        encoder_layers=12,
        decoder_layers=12,
        encoder_ffn_dim=4096,
        decoder_ffn_dim=4096,
        encoder_attention_heads=16,
        decoder_attention_heads=16,
        max_position_embeddings=4096,
        **special,
    )
    vision = {
        "depths": (1, 1, 9, 1),
        "embed_dim": (256, 512, 1024, 2048),
        "num_heads": (8, 16, 32, 64),
        "num_groups": (8, 16, 32, 64),
        "projection_dim": 1024,
    }
    torch.manual_seed(0)
    config = Florence2Config(
        text_config=text.to_dict(), vision_config=vision, image_token_id=tokenizer.image_token_id, **special
    )
    device = prepare_device(compute.device, compute.inference_threads)
    dtype = torch.float32 if compute.device == "cpu" else torch.float16
    model = Florence2ForConditionalGeneration(config).to(device, dtype).eval()
    model.generation_config.min_new_tokens = ANSWER_TOKENS
    return model, processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    compute = ComputeSettings(device="cpu", inference_threads=arguments.threads)
    check_path(arguments.renders, compute)

    pictures = rendered([sample_scene(SPLITS["test"] + number) for number in range(48)])[0]

    def pocket(batch: int) -> Callable[[list[Image.Image]], Any]:
        return load_captioner(POCKET / "florence2", SETTINGS.model_copy(update={"batch": batch}), compute)

    # On the CPU its own time counts, whatever else the machine does.
    name = f"pocket Florence-2, CPU time of {arguments.threads} threads"
    compare_batches(name, pocket, pictures, [1, 2, 4, 8, 16], time.process_time)
    if torch.cuda.is_available():
        gpu = ComputeSettings(device="gpu", inference_threads=arguments.threads)
        model, processor = large_florence(gpu)

        def large(batch: int) -> Callable[[list[Image.Image]], Any]:
            settings = SETTINGS.model_copy(update={"batch": batch, "max_tokens": ANSWER_TOKENS})
            captioner = florence.Captioner(model, processor, settings, 4096)
            return lambda some: florence.describe(captioner, some)

        big = [picture.resize((768, 768)) for picture in pictures]
        name = f"Florence-2-large, random weights, {torch.cuda.get_device_name()}"
        compare_batches(name, large, big, [1, 4, 8, 16], time.perf_counter)


if __name__ == "__main__":
    main()
