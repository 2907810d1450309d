"""An instruct model that is asked to join a caption into fluent English: one caption at a time, remembered for ever.

torch and transformers are imported where they are used: a stage whose answers are all remembered never loads them.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from darkroom.captions import greedy
from darkroom.captions.greedy import GREEDY, answer_text, is_cut_off
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionStyle
from darkroom.errors import UserError
from darkroom.jobs.progress import progress
from darkroom.models import pretrained
from darkroom.models.lock import LockedModel
from darkroom.models.pretrained import load_pretrained
from darkroom.storage.cache import Cache, cache_key, cached

# What decides an answer: for `code_version`.
MODULES = (greedy, *pretrained.MODULES, sys.modules[__name__])
KEY = "captions.polish"
FAILING = "does not load as a language model of transformers ({}); give an instruct model that needs no remote code"
PROMPT = (
    "Rewrite this caption of a photo as {form}. Keep everything that it says, in its own words; add nothing but small "
    "joining words such as and, with, while. Keep {name} exactly as it is, once, near the beginning. Answer with the "
    "caption alone, on one line.\n\n{draft}"
)
FORMS = {"sentences": "one to three fluent English sentences", "sentence": "one fluent English sentence"}


def polish_prompt(draft: str, name: str, style: CaptionStyle) -> str:
    """What is asked about a draft. `name` is what stands for trigger and class in it."""
    return PROMPT.format(form=FORMS[style], name=name, draft=draft)


def ask_polisher(
    prompts: Iterable[str], lock: LockedModel, compute: ComputeSettings, cache: Cache, code: str
) -> tuple[dict[str, str], int]:
    """The answers by prompt, and how many were computed; the model loads only where one is missing."""
    keys = {
        prompt: cache_key(
            stage="polish",
            model=lock.digest,
            prompt=prompt,
            device=compute.device,
            threads=compute.inference_threads,
            code=code,
        )
        for prompt in prompts
    }

    def compute_missing(missing: list[str]) -> Iterator[tuple[str, str]]:
        answer = load_polisher(lock.path, compute)
        answers = ((prompt, answer(prompt)) for prompt in missing)
        return progress(answers, "polish", "captions", total=len(missing))

    return cached(cache, keys, compute_missing)


def load_polisher(path: Path, compute: ComputeSettings) -> Callable[[str], str]:
    """A function from a prompt to the greedy answer: fp32 on the CPU, bf16 on a GPU. Empty where it was cut off.

    Raises UserError where a GPU is asked for and none is there, or the folder holds no chat model.
    """
    classes = ("AutoModelForCausalLM", "AutoTokenizer")
    model, tokenizer = load_pretrained(classes, path, compute, "bf16", KEY, FAILING)
    if not getattr(tokenizer, "chat_template", None):
        raise UserError(f"{KEY}: {path} has no chat template, so it cannot be asked; give an instruct model")

    def answer(prompt: str) -> str:
        import torch

        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True,
            enable_thinking=False,
            return_dict=True,
            return_tensors="pt",
        ).to(model.device)
        # The prompt holds the caption: an answer longer than it says more than the caption.
        longest = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            generated = model.generate(**inputs, **GREEDY, max_new_tokens=longest)[0, longest:]
        return "" if is_cut_off(model, generated, longest) else answer_text(tokenizer, generated)

    return answer
