"""The table of descriptions and what each caption style makes of them; and the guide of docs/captions.md made from it.

python tests/helpers/descriptions.py
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from darkroom.config.captions import CaptionStyle, SubjectSettings

TABLE = Path(__file__).with_name("descriptions.yaml")
STYLES: tuple[CaptionStyle, ...] = ("sentences", "sentence", "tags")
HEADS = {"sentences": "FLUX, SD3", "sentence": "SDXL", "tags": "SD1.5, Pony, Illustrious"}


@dataclass(frozen=True)
class Described:
    """A description with the captions that are expected of it, by caption style."""

    subject_class: str
    kind: str
    description: str
    expected: dict[str, str]
    guide: bool

    @property
    def subject(self) -> SubjectSettings:
        return subject(self.subject_class, self.kind)


def subject(subject_class: str, kind: str = "object", trigger: str = "zxq") -> SubjectSettings:
    return SubjectSettings.model_validate({"trigger": trigger, "class": subject_class, "kind": kind})


def count_words(text: str) -> int:
    """A tokenizer for tests: a token per word or sign, and two for start and end."""
    return len(re.findall(r"[\w'-]+|[^\w\s]", text)) + 2


def read_descriptions() -> list[Described]:
    rows = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return [
        Described(row["class"], row["kind"], row["description"], {name: row[name] for name in STYLES}, "guide" in row)
        for row in rows
    ]


def guide() -> str:
    """Ten of the descriptions, side by side in three caption styles."""
    lines = []
    for case in read_descriptions():
        if case.guide:
            lines += [f"| {case.subject_class}, {case.kind} | {case.description} |", "|---|---|"]
            lines += [f"| `{style}` ({HEADS[style]}) | {case.expected[style]} |" for style in STYLES]
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(guide())
