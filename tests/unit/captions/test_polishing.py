"""Which polished captions may stand: those that say the same in the same words, and nothing else."""

import pytest
from descriptions import STYLES, count_words, read_descriptions, subject
from table_rows import frame_caption

from darkroom.captions.polished_captions import POLISHED, polish_rows
from darkroom.captions.polishing import draft_of, tidy, why_not
from darkroom.captions.rewriting import rewrite
from darkroom.captions.target_captions import Target
from darkroom.captions.token_counts import TokenCounts
from darkroom.config.captions import CaptionStyle, RewritingSettings
from darkroom.contracts.caption_tables import FrameCaption

DOG = (
    "[NAME] dog sitting on a wooden deck. It has a red collar and is looking directly at the camera. "
    "Trees and a blue sky in the background."
)
ONE = (
    "[NAME] dog sitting on a wooden deck, with a red collar and looking directly at the camera, "
    "trees and a blue sky in the background"
)
SIGN = '[NAME] dog sitting under a sign that reads "OPEN 24", two cups next to it, no people'
STANDS = {
    "joined": (
        "sentences",
        DOG,
        "[NAME] dog with a red collar is sitting on a wooden deck and looking directly at the camera, while trees and "
        "a blue sky are in the background.",
    ),
    "another order": (
        "sentences",
        DOG,
        "Sitting on a wooden deck, [NAME] dog looks directly at the camera. It has a red collar, and trees and a blue "
        "sky are in the background.",
    ),
    "in quotation marks, without its end": (
        "sentence",
        ONE,
        "“[NAME] dog with a red collar sitting on a wooden deck and looking directly at the camera, with trees and a "
        "blue sky in the background.”",
    ),
    "one word of many less": (
        "sentence",
        ONE,
        "[NAME] dog with a red collar sitting on a wooden deck and looking at the camera, trees and a blue sky in the "
        "background",
    ),
    "a quotation": (
        "sentence",
        SIGN,
        '[NAME] dog sitting under a sign that reads "OPEN 24", with two cups next to it and no people',
    ),
}
FALLS = {
    "a new colour": ("new words", ONE.replace("trees", "green trees")),
    "a new thing": ("new words", f"{ONE} and a cat"),
    "a hedge": ("new words", ONE.replace("looking", "possibly looking")),
    "the same twice": ("new words", f"{ONE} in the background"),
    "another place": ("new words", ONE.replace(" on ", " under ")),
    "mood": ("new words", f"{ONE}, creating a peaceful atmosphere"),
    "no trigger": ("subject not once", ONE.replace("[NAME] dog", "a dog")),
    "no class": ("subject not once", ONE.replace("[NAME] dog", "[NAME]")),
    "trigger twice": ("subject not once", f"{ONE} of [NAME] dog"),
    "class twice": ("subject not once", f"{ONE} of the dog"),
    "more of them": ("subject not once", ONE.replace("dog", "dogs")),
    "a late subject": (
        "subject late",
        "with a red collar and sitting on a wooden deck, looking directly at the camera, [NAME] dog, with trees and a "
        "blue sky in the background",
    ),
    "an opener": ("opener", f"the photo shows {ONE}"),
    "an empty sentence": ("opener", f"There is {ONE}"),
    "two lines": ("more than one line", ONE.replace(", trees", "\ntrees")),
    "a lost clause": ("lost words", ONE.replace(", trees and a blue sky in the background", "")),
    "a lost place": ("lost words", ONE.replace("on a wooden deck", "")),
    "nothing": ("subject not once", ""),
    "HTML": ("signs of its own", ONE.replace("red", "<b>red</b>")),
    "markdown": ("signs of its own", ONE.replace("red", "**red**")),
    "shell": ("signs of its own", f"{ONE} $(rm -rf)"),
    "a foreword": ("signs of its own", f"Sure! Here is the caption: {ONE}"),
    "two sentences": ("more than one sentence", ONE.replace(", trees", ". Trees")),
    "swapped colours": ("said of something else", ONE.replace("red", "x").replace("blue", "red").replace("x", "blue")),
    "the subject's colour": (
        "said of something else",
        ONE.replace("red collar", "collar").replace("[NAME]", "red [NAME]"),
    ),
}


def verdict(answer: str, draft: str, style: CaptionStyle) -> str:
    return why_not(tidy(answer, style), draft, subject("dog", "character"), style)


@pytest.mark.parametrize(("style", "draft", "answer"), STANDS.values(), ids=STANDS)
def test_what_says_the_same_stands(style: CaptionStyle, draft: str, answer: str) -> None:
    assert verdict(answer, draft, style) == ""


@pytest.mark.parametrize(("why", "answer"), FALLS.values(), ids=FALLS)
def test_what_says_something_else_falls(why: str, answer: str) -> None:
    assert verdict(answer, ONE, "sentence") == why


@pytest.mark.parametrize(
    ("why", "said", "instead"),
    [
        ("changed quotation", '"OPEN 24"', "OPEN 24"),
        ("said of something else", "two cups next to it", "cups next to it, two"),
        ("said of something else", "no people", "people"),
        ("new words", "two cups", "three cups"),
    ],
)
def test_quotations_numbers_and_denials_stay_as_they_are(why: str, said: str, instead: str) -> None:
    assert verdict(SIGN.replace(said, instead), SIGN, "sentence") == why


def test_the_first_of_two_dresses_stays_red() -> None:
    draft = "[NAME] dog between a girl wearing a red dress, a woman wearing a blue dress"
    assert verdict(draft.replace(", a", " and a"), draft, "sentence") == ""
    swapped = "[NAME] dog between a girl wearing a blue dress and a woman wearing a red dress"
    assert verdict(swapped, draft, "sentence") == "said of something else"


def test_an_answer_is_written_as_the_dialect_is() -> None:
    assert tidy(" a portrait of  [NAME] woman ", "sentences") == "A portrait of [NAME] woman."
    assert tidy("A portrait of [NAME] woman.", "sentence") == "a portrait of [NAME] woman"
    assert tidy('"[NAME] dog under "GO".', "sentence") == '"[NAME] dog under "GO"'


@pytest.mark.parametrize("style", [style for style in STYLES if style != "tags"])
def test_the_rewriter_itself_would_be_accepted(style: CaptionStyle) -> None:
    asked = 0
    for case in read_descriptions():
        draft = draft_of(case.expected[style], case.subject)
        if draft is not None:
            asked += 1
            assert why_not(tidy(draft, style), draft, case.subject, style) == "", draft
    assert asked == len(read_descriptions())


def test_a_caption_with_a_hole_is_not_asked_about() -> None:
    about = subject("dog", "character")
    assert draft_of("zxq dog and [NAME]", about) is None
    assert draft_of("as zxq does", about) is None
    assert draft_of("zxq dog", about) == "[NAME] dog"


def rows(*captions: str, source: str = "captioner") -> list[FrameCaption]:
    return [frame_caption(str(number), text, source=source) for number, text in enumerate(captions)]


def target(trigger: str = "zxq", limit: int = 77) -> Target:
    counts = TokenCounts(count_words, limit)
    return Target(subject("dog", "character", trigger), RewritingSettings(style="sentence"), counts)


def test_only_the_captioners_words_are_asked_about_and_only_what_may_stand_stands() -> None:
    said = {
        "[NAME] dog sitting, red collar": "[NAME] dog with a red collar sitting.",
        "[NAME] dog on grass": "[NAME] dog on green grass.",
        "[NAME] dog": "[NAME] dog.",
    }
    asked: list[str] = []

    def ask(drafts: list[str]) -> dict[str, str]:
        asked.extend(drafts)
        return said

    given = rows("zxq dog sitting, red collar", "zxq dog on grass", "zxq dog sitting, red collar", "zxq dog")
    mine = [frame_caption("mine", "zxq dog sitting, red collar", source="override")]
    polished, verdicts = polish_rows([*given, *mine], target(), ask)
    assert asked == sorted(said)
    assert [(row.caption, row.polished) for row in polished] == [
        ("zxq dog with a red collar sitting", "yes"),
        ("zxq dog on grass", "no"),
        ("zxq dog with a red collar sitting", "yes"),
        ("zxq dog", "no"),
        ("zxq dog sitting, red collar", ""),
    ]
    assert polished[0].tokens == count_words("zxq dog with a red collar sitting")
    assert verdicts == {POLISHED: 2, "new words": 1, "nothing to polish": 1}


def test_what_is_longer_than_the_encoders_read_falls() -> None:
    answer = "[NAME] dog with a red collar sitting"
    length = count_words(answer.replace("[NAME]", "zxq"))
    for limit, expected in ((length, POLISHED), (length - 1, "too long")):
        _, verdicts = polish_rows(rows("zxq dog sitting, red collar"), target(limit=limit), lambda d: {d[0]: answer})
        assert verdicts == {expected: 1}


def test_a_new_trigger_asks_the_same() -> None:
    text = "The image shows a dog on a deck. The dog has a red collar."
    drafts = set()
    for trigger in ("zxq", "b$k.1", r"a\1"):
        about = subject("dog", "character", trigger)
        caption = rewrite(text, about, RewritingSettings(style="sentences"), count_words, 77)
        drafts.add(draft_of(caption, about))
    assert len(drafts) == 1 and drafts != {None}
