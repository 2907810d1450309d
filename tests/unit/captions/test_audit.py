"""The audit: errors and warnings with their frames, the cause of fused words, and a page that nothing breaks."""

import random
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from descriptions import count_words, subject
from PIL import Image
from table_rows import frame_caption, photo_file, photo_on_disk

from darkroom.captions.audit import Captioned, Finding, audit_captions, audit_sidecars, content_words
from darkroom.captions.audit_page import draw_page
from darkroom.captions.near_duplicates import near_duplicates
from darkroom.captions.rewriting import rewrite
from darkroom.config.captions import CaptionStyle, RewritingSettings
from darkroom.storage.cache import Cache

HOSTILE = (
    "<script>alert('x')</script><img src=x onerror=alert(1)> \"'> & {title} $(rm -rf /); `id` | cat\n\r\n\x00\u2028 "
    + "a dog <b>with</b> a hat && on; a rug, " * 700
)


def captioned(texts: list[str], machine: list[str] | None = None) -> list[Captioned]:
    said = machine or [text.replace("zxq", "a") for text in texts]
    return [
        Captioned(f"f{number}", text, count_words(text), said[number], "a description")
        for number, text in enumerate(texts)
    ]


def audit(
    texts: list[str], machine: list[str] | None = None, style: CaptionStyle = "sentence", tokens: int = 2
) -> list[Finding]:
    return audit_captions(captioned(texts, machine), subject("dog"), RewritingSettings(style=style), 40, tokens)


def test_a_good_set_has_no_findings() -> None:
    assert audit(["zxq dog on grass", "zxq dog in a car", "zxq dog under snow", "zxq dog by the sea"]) == []
    assert audit([]) == []


def test_what_must_not_be_trained_on_is_an_error_with_its_frames() -> None:
    long = "zxq dog " + "and so " * 40
    found = audit(["zxq dog", "a dog", "", long, "zxq dog, ZXQ", "zxqs dog"])
    assert {(finding.finding, finding.frames) for finding in found if finding.level == "error"} == {
        ("trigger missing", "f1 f5"),
        ("empty caption", "f2"),
        ("longer than 40 tokens", "f3"),
        ("trigger more than once", "f4"),
    }
    assert found[0].level == "error" and {finding.share for finding in found} >= {1 / 6, 2 / 6}


def test_a_fused_word_is_caused_by_the_photos_or_by_the_captions() -> None:
    places = ["park", "beach", "street", "kitchen", "garden", "river", "desert"]
    machine = [f"a dog with a red ball in a {place}" for place in places]
    found = audit([f"zxq dog, masterpiece, ball, {place}" for place in places], machine, "tags")
    assert [(finding.words, finding.cause, finding.share) for finding in found] == [
        ("ball", "photos", 1),
        ("masterpiece", "captions", 1),
    ]
    found = audit([f"zxq dog, {place}" + ", ball" * (place < "r") for place in places], machine, "tags")
    assert found == []
    found = audit([f"zxq dog, ball, {place}" for place in places], [*machine[:5], "a dog", "a dog"], "tags")
    assert [(finding.words, finding.cause) for finding in found] == [("ball", "captions")]


def test_nothing_is_said_of_the_set_below_four_captions() -> None:
    assert audit(["zxq dog on a rug"] * 3) == []
    assert {finding.finding for finding in audit(["zxq dog on a rug"] * 4)} == {
        "fused with the trigger",
        "nearly the same caption",
    }


def test_the_wrong_dialect_is_told() -> None:
    tags, prose = "zxq dog, grass, ball, blue sky", "zxq dog on the grass with a ball. The sky is blue."
    other = ["zxq dog, day", "zxq dog, night"]
    assert [found.finding for found in audit([tags, prose], style="sentences")] == ["tags in a sentence target"]
    found = audit([tags, prose, *other], style="tags")
    assert [row.frames for row in found if row.finding == "sentences in a tag target"] == ["f1"]
    assert audit(other, style="sentence") == []


@pytest.mark.parametrize(("tokens", "warned"), [(4, False), (5, True)])
def test_a_long_trigger_is_a_warning(tokens: int, warned: bool) -> None:
    found = audit(["zxq dog asleep"], tokens=tokens)
    assert [(finding.level, finding.words) for finding in found] == ([("warning", "zxq")] if warned else [])


def test_near_duplicates_are_those_of_all_pairs() -> None:
    draw = random.Random(1)
    letters = [f"w{number}" for number in range(30)]
    base = [frozenset(draw.sample(letters, draw.choice((10, 19, 20)))) for _ in range(20)]
    sets = {f"s{number:03}": base[number % 20] for number in range(60)}
    for name in list(sets)[20:]:
        sets[name] = sets[name] ^ {draw.choice(letters)} if draw.random() < 0.7 else sets[name]
    joined = {name: {name} for name in sets}
    for one in sets:
        for other in sets:
            if len(sets[one] & sets[other]) >= 0.9 * len(sets[one] | sets[other]):
                both = joined[one] | joined[other]
                joined |= dict.fromkeys(both, both)
    expected = sorted({tuple(sorted(group)) for group in joined.values() if len(group) > 1})
    assert len(expected) > 5
    assert near_duplicates(sets) == [list(group) for group in expected]


def test_content_words_leave_out_trigger_class_and_function_words() -> None:
    assert content_words("zxq dog's hat, in the Park: zxq dog runs", subject("dog")) == {"dog's", "hat", "park", "runs"}


def test_words_that_only_join_are_not_fused() -> None:
    assert content_words("zxq dog seen in front of the front door", subject("dog")) == {"front", "door"}


def test_captions_that_say_nothing_are_told_with_their_frames() -> None:
    settings = RewritingSettings(style="tags", prefix=["best quality"])
    rows = [
        Captioned("a", "best quality, zxq dog", 5, "a dog", "a dog"),
        Captioned("b", "best quality, zxq dog", 5, "I cannot describe it.", "I cannot describe it."),
        Captioned("c", "best quality, zxq dog, park", 5, "a Zxq in a park", "a Zxq in a park"),
    ]
    found = {row.finding: (row.level, row.frames) for row in audit_captions(rows, subject("dog"), settings, 40, 1)}
    assert found == {
        "says only trigger and class": ("warning", "a b"),
        "a refusal or placeholder as description": ("warning", "b"),
        "the captioner says the trigger, too": ("warning", "c"),
    }


def test_an_unread_sidecar_is_told_by_name_with_the_files_of_its_frames() -> None:
    photos = {"f1": photo_file("p"), "f2": photo_file("p"), "f3": photo_file("q")}
    (found,) = audit_sidecars({"in/a.txt": "p", "in/left.txt": "elsewhere"}, photos)
    assert (found.level, found.words, found.frames) == ("warning", "a.txt", "f1 f2")
    assert found.row({"f1": "a.jpg", "f2": "b c.jpg"}).files == "a.jpg / b c.jpg"


class Reader(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("style", ["sentences", "tags"])
def test_a_hostile_caption_of_thousands_of_words_harms_nothing(style: CaptionStyle, tmp_path: Path) -> None:
    assert len(HOSTILE.split()) > 5000
    Image.new("RGB", (64, 48), (200, 30, 30)).save(tmp_path / "a.png")
    caption = rewrite(HOSTILE, subject("dog"), RewritingSettings(style=style), count_words, 40)
    assert count_words(caption) <= 40 and "\n" not in caption and caption.count("zxq") == 1
    findings = [Finding("error", HOSTILE, HOSTILE, 1, "<i>", "a <b>")]
    row = frame_caption("a", HOSTILE, source="override", description=HOSTILE)
    photo = {"a": photo_on_disk(tmp_path / "a.png")}
    page = draw_page("<title>", HOSTILE, findings, [row], photo, tmp_path, Cache(tmp_path / "cache"))
    reader = Reader()
    reader.feed(page)
    assert not {tag for tag, _ in reader.tags} & {"script", "b", "i"}
    pictures = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert [str(picture["src"])[:22] for picture in pictures] == ["data:image/jpeg;base64"]
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    assert reader.text.count("alert('x')") == 5
    assert re.search(r"default-src 'none'", page)


def test_captions_with_errors_come_first_on_the_page(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    photos = dict.fromkeys("abc", photo_on_disk(tmp_path / "a.png"))
    rows = [frame_caption(name, f"caption {name}", source="sidecar") for name in "abc"]
    found = [Finding("error", "empty caption", frames="b")]
    page = draw_page("t", "s", found, rows, photos, tmp_path, Cache(tmp_path / "cache"))
    assert re.findall(r"(caption [abc])<td", page) == ["caption b", "caption a", "caption c"]
    assert page.count('class="text error"') == 1
    assert page == draw_page("t", "s", found, rows, photos, tmp_path, Cache(tmp_path / "cache"))
