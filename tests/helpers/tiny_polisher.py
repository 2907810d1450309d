"""Tiny instruct models of the true architectures, for tests: with random weights, or taught one answer by heart."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

TEMPLATE = (
    "{% for message in messages %}{{ '<user> ' + message['content'] + ' ' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<user>", "<assistant>"]
ARCHITECTURES = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM)}
STEPS = 60


def chat_tokenizer(text: str, template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """A tokenizer of the words of a text, split at spaces; what it does not know is <unk>."""
    words = [*SPECIAL, *dict.fromkeys(text.split())]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(SPECIAL)
    named = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=template, **named)


def save_tiny_polisher(
    folder: Path, prompt: str, answer: str = "", architecture: str = "llama", template: str | None = TEMPLATE
) -> Path:
    """A chat model that knows the words of a prompt, and that answers it so where an answer is given."""
    tokenizer = chat_tokenizer(f"{prompt} {answer}", template)
    make_config, make_model = ARCHITECTURES[architecture]
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    torch.manual_seed(0)
    model = make_model(
        make_config(
            **{"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
            **{"num_key_value_heads": 2, "vocab_size": len(tokenizer), **special},
        )
    )
    if answer:
        _teach(model, tokenizer, prompt, answer)
    # As instruct models come: with settings of their own that are not greedy.
    model.generation_config.update(do_sample=True, temperature=5.0, top_p=0.9, top_k=50)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _teach(model: Any, tokenizer: PreTrainedTokenizerFast, prompt: str, answer: str) -> None:
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    wanted = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    tokens = torch.tensor([[*asked, *wanted]])
    labels = torch.tensor([[*[-100] * len(asked), *wanted]])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        model(input_ids=tokens, labels=labels).loss.backward()
        optimizer.step()
    model.eval()
