"""Trains the pocket Florence-2: attributes first, so that the vision encoder sees, then captions and boxes."""

import functools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers import (
    BartConfig,
    CLIPImageProcessor,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    RobertaTokenizer,
)

from darkroom.pocket.training_loop import Modules, generator, set_weights, train_steps
from darkroom.pocket.vocabulary import florence_tokenizer
from darkroom.pocket.world import (
    COLOURS,
    DISTANCES,
    FLOORS,
    LIGHTS,
    SHAPES,
    WALLS,
    Scene,
    brief_caption,
    detailed_caption,
    toy_name,
)
from darkroom.pocket.world_files import load_split

SIDE, IMAGE_TOKENS, BATCH = 64, 17, 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VISION_ENCODER_FROZEN = 0.5  # share of the first phase of the caption training
# Runs of the caption training, one after the other, and their peak rates.
PHASES = {"captions": 1.5e-3, "captions-again": 7.5e-4, "captions-last": 1e-3}
RENDERED_SPLITS = ("squeezed", "square", "wide", "tall", "two-toned")
DETAILS = {"shape": 3.0, "accent": 2.0}  # weights of what is hardest to see, in the second part of the vision encoder's
PLACE_STEP = 10  # boxes are told in hundredths of the side
TASKS = ("<CAPTION>", "<DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>", "<OD>")
HEADS = {
    "colour": COLOURS,
    "accent": (None, *COLOURS),
    "shape": SHAPES,
    "floor": FLOORS,
    "wall": WALLS,
    "light": LIGHTS,
    "distance": tuple(DISTANCES),
}


Steps = dict[str, int]


def new_captioner(tokenizer: RobertaTokenizer) -> Florence2ForConditionalGeneration:
    """Florence-2's architecture for 64 px pictures: 16 + 1 picture tokens, 128 wide, about 2 million weights."""
    torch.manual_seed(0)
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    text = BartConfig(
        vocab_size=len(tokenizer),
        d_model=128,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        dropout=0.0,
        attention_dropout=0.0,
        max_position_embeddings=128,
        init_std=0.06,  # BART's 0.02 suits width 1024 and leaves attention flat here
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
        **special,
    )
    vision = {
        "depths": (1, 1, 2, 1),
        "patch_stride": (4, 2, 2, 1),
        "embed_dim": (32, 48, 96, 128),
        "num_heads": (2, 3, 6, 8),
        "num_groups": (2, 3, 6, 8),
        "window_size": 4,
        "drop_path_rate": 0.0,
        "projection_dim": 128,
    }
    config = Florence2Config(
        text_config=text.to_dict(),
        vision_config=vision,
        image_token_id=tokenizer.image_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        **special,
    )
    return Florence2ForConditionalGeneration(config)


def new_processor(tokenizer: RobertaTokenizer) -> Florence2Processor:
    """Squeezes any picture to 64 x 64 and writes Florence-2's prompts."""
    images = CLIPImageProcessor(
        size={"height": SIDE, "width": SIDE}, do_center_crop=False, image_mean=MEAN, image_std=STD
    )
    images.image_seq_length = IMAGE_TOKENS
    rules: dict[str, dict] = {
        "pure_text": {},
        "description_with_bboxes": {},
    }  # without rules the processor refuses every task
    return Florence2Processor(images, tokenizer, post_processor_config=rules)


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (B, H, W, 3) 0..255 as pixel values (B, 3, H, W)."""
    return ((pictures.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


def varied(pictures: torch.Tensor, boxes: torch.Tensor, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixel values and boxes with what photos and samples add: mirroring, exposure, softness, noise."""
    count = len(pictures)
    values = pictures.float() * (0.93 + 0.14 * torch.rand(count, 1, 1, 1, generator=draw))
    pixels = normalised(values.clamp(0, 255))
    if torch.rand((), generator=draw) < 0.4:
        side = int(torch.randint(40, 60, (), generator=draw))
        pixels = F.interpolate(
            F.interpolate(pixels, side, mode="bilinear", antialias=True), SIDE, mode="bicubic", align_corners=False
        )
    noise = torch.rand(count, 1, 1, 1, generator=draw) ** 2 * 0.2
    pixels = pixels + noise * torch.randn(pixels.shape, generator=draw)
    mirror = torch.rand(count, generator=draw) < 0.5
    flipped = torch.stack([SIDE - boxes[:, 2], boxes[:, 1], SIDE - boxes[:, 0], boxes[:, 3]], 1)
    return (
        torch.where(mirror[:, None, None, None], pixels.flip(-1), pixels),
        torch.where(mirror[:, None], flipped, boxes),
    )


def answer(task: str, scene: Scene, box: list[float]) -> str:
    """What the captioner should say; box in pixels of the 64 px square."""
    if task == "<CAPTION>":
        return brief_caption(scene)
    if task != "<OD>":
        return detailed_caption(scene)
    places = [min(999, round(edge / SIDE * 1000 / PLACE_STEP) * PLACE_STEP) for edge in box]
    return toy_name(scene).split()[-1] + "".join(f"<loc_{place}>" for place in places)


def train_vision_encoder(
    model: Florence2ForConditionalGeneration, splits: dict[str, tuple], work: Path, steps: Steps
) -> None:
    """Teach the vision encoder alone to tell every attribute and the box, through heads that are thrown away.

    The heads read the picture token that Florence-2 averages over the picture, where the language model finds it.
    First all attributes alike, then shape and second colour above all, with more two-tone toys.
    """
    heads = nn.ModuleDict({key: nn.Linear(128, len(names)) for key, names in HEADS.items()})
    heads["box"] = nn.Linear(128 * IMAGE_TOKENS, 4)
    parts: tuple[tuple[str, tuple, dict[str, float]], ...] = (
        ("attributes", joined(splits["squeezed"], splits["square"]), {}),
        ("details", joined(*splits.values()), DETAILS),
    )
    for name, data, weights in parts:
        train_attributes(name, model, heads, data, weights, work, steps[name])


def squeeze(
    scenes: list[Scene], pictures: torch.Tensor, boxes: torch.Tensor
) -> tuple[list[Scene], torch.Tensor, torch.Tensor]:
    """A split with its pictures and boxes brought to 64 x 64, as the processor does."""
    height, width = pictures.shape[1:3]
    if (height, width) == (SIDE, SIDE):
        return scenes, pictures, boxes
    parts = [
        F.interpolate(some.permute(0, 3, 1, 2).float(), (SIDE, SIDE), mode="bicubic", antialias=True)
        for some in pictures.split(500)
    ]
    squeezed = torch.cat([part.round().clamp(0, 255).byte() for part in parts]).permute(0, 2, 3, 1).contiguous()
    return scenes, squeezed, boxes * torch.tensor([SIDE / width, SIDE / height] * 2)


def joined(*splits: tuple) -> tuple[list[Scene], torch.Tensor, torch.Tensor]:
    """Scenes, pictures and boxes of several splits."""
    pictures, boxes = (torch.cat([split[i] for split in splits]) for i in (1, 2))
    return [scene for split in splits for scene in split[0]], pictures, boxes


def train_attributes(
    name: str,
    model: Florence2ForConditionalGeneration,
    heads: nn.ModuleDict,
    data: tuple,
    weights: dict[str, float],
    work: Path,
    steps: int,
) -> None:
    """One part of the vision encoder's training; `weights` of attributes in the loss are 1 where not given."""
    scenes, pictures, boxes = data
    truth = {key: torch.tensor([names.index(getattr(s, key)) for s in scenes]) for key, names in HEADS.items()}
    vision_encoder: Modules = {"tower": model.model.vision_tower, "projector": model.model.multi_modal_projector}

    def loss_of(step: int, fraction: float) -> torch.Tensor:
        draw = generator(name, step)
        chosen = torch.randint(len(scenes), (BATCH,), generator=draw)
        pixels, places = varied(pictures[chosen], boxes[chosen], draw)
        seen = model.get_image_features(pixels).pooler_output
        loss = 5 * F.l1_loss(heads["box"](seen.flatten(1)), places / SIDE)
        for key, names in truth.items():
            loss = loss + weights.get(key, 1.0) * F.cross_entropy(heads[key](seen[:, 0]), names[chosen])
        return loss / 8

    train_steps(steps, name, {**vision_encoder, "heads": heads}, loss_of, work, 1.5e-3, BATCH)


def ask(model: Florence2ForConditionalGeneration, processor: Florence2Processor, tasks: list[str], seen: torch.Tensor):  # type: ignore[no-untyped-def]
    """Prompts as the processor writes them, around picture tokens (B, 17, 128): embeddings and attention mask."""
    tokenizer = processor.tokenizer
    asked = tokenizer(
        ["<image>" * IMAGE_TOKENS + "<s>" + prompt + "</s>" for prompt in processor._construct_prompts(tasks)],
        add_special_tokens=False,
        padding=True,
        return_tensors="pt",
    )
    embedded = model.get_input_embeddings()(asked.input_ids)
    places = (asked.input_ids == tokenizer.image_token_id)[..., None]
    return embedded.masked_scatter(places, seen), asked.attention_mask


def train_captioner(work: Path, steps: Steps, export: Callable[..., None]) -> tuple[Any, Any]:
    """The trained captioner and its processor; `export(model, processor)` is also called along the way."""
    splits = {name: squeeze(*load_split(name, work)) for name in RENDERED_SPLITS}
    # As many two-tone toys as the world has, so that none is called a toy for want of a guess. In between, with the
    # vision encoder trained, too, twice as many: the few are else often called by the name of their shape.
    as_is = joined(*(splits[name] for name in RENDERED_SPLITS if name != "two-toned"))
    data = {phase: joined(*splits.values()) if phase == "captions-again" else as_is for phase in PHASES}
    tokenizer = florence_tokenizer(work / "florence2-tokenizer")
    model, processor = new_captioner(tokenizer), new_processor(tokenizer)
    train_vision_encoder(model, splits, work, steps)

    def loss_of(phase: str, step: int, fraction: float) -> torch.Tensor:
        draw, choose = generator(phase, step), random.Random(f"{phase} {step}")
        scenes, pictures, boxes = data[phase]
        chosen = torch.randint(len(scenes), (BATCH,), generator=draw)
        pixels, places = varied(pictures[chosen], boxes[chosen], draw)
        # The vision encoder is the dear part: each picture answers two tasks. Places are harder to say than words.
        rows = [(i, task) for i in range(BATCH) for task in (choose.choice(TASKS[:3]), "<OD>")]
        # An untrained language model may unteach the vision encoder: frozen until captions are good (docs/pocket.md).
        with torch.set_grad_enabled(phase != "captions" or fraction > VISION_ENCODER_FROZEN):
            seen = model.get_image_features(pixels).pooler_output[[i for i, _ in rows]]
        embedded, attended = ask(model, processor, [task for _, task in rows], seen)
        told = [answer(task, scenes[chosen[i]], places[i].tolist()) for i, task in rows]
        labels = tokenizer(told, padding=True, return_tensors="pt").input_ids
        labels = labels.masked_fill(labels == tokenizer.pad_token_id, -100)
        return model(inputs_embeds=embedded, attention_mask=attended, labels=labels).loss

    ends = []
    for phase, peak in PHASES.items():
        train_steps(
            steps[phase],
            phase,
            {"captioner": model},
            functools.partial(loss_of, phase),
            work,
            peak,
            BATCH,
            average_over=200,
            export=lambda: export(model, processor),
        )
        ends.append([weight.detach().clone() for weight in model.parameters()])
    # The mean of the last two phases is better than either (model soups: Wortsman et al. 2022, arXiv 2203.05482).
    set_weights(list(model.parameters()), [(one + other) / 2 for one, other in zip(*ends[-2:], strict=True)])
    return model, processor
