"""A tiny Florence-2 of the true architecture with random weights, for tests."""

from pathlib import Path

import torch
from transformers import (
    BartConfig,
    CLIPImageProcessor,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
)

from darkroom.pocket.vocabulary import florence_tokenizer

# What its processor can read out of answers.
TASKS = ("pure_text", "polygons", "phrase_grounding", "description_with_bboxes")


def save_tiny_florence(folder: Path) -> Path:
    """Write model and processor to a folder, as `save_pretrained` does, and return it."""
    tokenizer = florence_tokenizer(folder / "tokenizer")
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "decoder_start_token_id": tokenizer.eos_token_id,
    }
    text = BartConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_position_embeddings=64,
        init_std=0.5,
        **special,
    )
    vision = {
        "depths": (1, 1, 1, 1),
        "patch_stride": (4, 2, 2, 1),
        "embed_dim": (16, 16, 16, 32),
        "num_heads": (2, 2, 2, 2),
        "num_groups": (2, 2, 2, 2),
        "window_size": 2,
        "drop_path_rate": 0.0,
        "projection_dim": 32,
        "initializer_range": 0.3,
    }
    torch.manual_seed(0)
    config = Florence2Config(
        text_config=text.to_dict(), vision_config=vision, image_token_id=tokenizer.image_token_id, **special
    )
    images = CLIPImageProcessor(size={"height": 32, "width": 32}, do_center_crop=False)
    images.image_seq_length = 5
    processor = Florence2Processor(images, tokenizer, post_processor_config={task: {} for task in TASKS})
    Florence2ForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
