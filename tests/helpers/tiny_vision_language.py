"""Tiny vision-language models of the true architectures with random weights, for tests."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    SiglipImageProcessor,
)

WORDS = "a the red blue green cat dog toy robot on in under near table grass wall light warm small and sits stands ."
# As JoyCaption's: it takes texts alone and puts the picture into the user's turn itself.
TEXT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '<user> <image> ' + message['content'].replace('<image>', '') + ' ' }}"
    "{% else %}{{ '<system> ' + message['content'] + ' ' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)
# As Qwen2-VL's and most others': it takes lists of parts.
PARTS_TEMPLATE = (
    "{% for message in messages %}{{ '<' + message['role'] + '> ' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<begin><image><end> ' }}{% else %}{{ part['text'] + ' ' }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<video>", "<begin>", "<end>", "<user>", "<system>"]
SPECIAL += ["<assistant>"]
TEXT = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def word_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of a few words; what it does not know is <unk>."""
    words = [*SPECIAL, *dict.fromkeys(WORDS.split())]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    named = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    pictures = {"image_token": "<image>", "video_token": "<video>"}
    tokenizer.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named, extra_special_tokens=pictures)


def _special(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    return {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}


def _save(folder: Path, model: Any, processor: Any) -> Path:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def save_tiny_llava(folder: Path, template: str | None = TEXT_TEMPLATE) -> Path:
    """A LLaVA of SigLIP and Llama, as JoyCaption is."""
    tokenizer = word_tokenizer()
    vision = TEXT | {"model_type": "siglip_vision_model", "image_size": 16, "patch_size": 4, "vision_use_head": False}
    text = TEXT | {"model_type": "llama", "vocab_size": len(tokenizer), "num_key_value_heads": 2, **_special(tokenizer)}
    config = LlavaConfig(
        vision_config=vision,
        text_config=text | {"initializer_range": 0.5},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        **_special(tokenizer),
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    images = SiglipImageProcessor(size={"height": 16, "width": 16})
    processor = LlavaProcessor(images, tokenizer, 4, "full", chat_template=template)
    return _save(folder, model, processor)


def save_tiny_qwen(folder: Path) -> Path:
    """A Qwen2-VL, which sees each picture in patches of its own size."""
    tokenizer = word_tokenizer()
    place = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    config = Qwen2VLConfig(
        text_config=TEXT
        | {"vocab_size": len(tokenizer), "num_key_value_heads": 2, "rope_parameters": place, "initializer_range": 0.5}
        | _special(tokenizer),
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 4, "mlp_ratio": 2},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_id=tokenizer.convert_tokens_to_ids("<video>"),
        vision_start_token_id=tokenizer.convert_tokens_to_ids("<begin>"),
        vision_end_token_id=tokenizer.convert_tokens_to_ids("<end>"),
        **_special(tokenizer),
    )
    torch.manual_seed(0)
    model = Qwen2VLForConditionalGeneration(config)
    sizes = {"patch_size": 4, "min_pixels": 16 * 16, "max_pixels": 64 * 64}
    processor = Qwen2VLProcessor(
        Qwen2VLImageProcessor(**sizes), tokenizer, Qwen2VLVideoProcessor(**sizes), chat_template=PARTS_TEMPLATE
    )
    return _save(folder, model, processor)
