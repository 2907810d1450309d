"""From a fresh render to its caption: every rule a caption must keep, and the same bytes however it is made."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from darkroom.captions.captioners import Answer, Describe, caption_of, load_captioner
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings, CaptionStyle
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.pocket.caption_scores import SUBJECT, describe_in_shards, lay_out, score_rewrites
from darkroom.pocket.scoring import count_attributes

POCKET = Path(__file__).parents[3] / "resources" / "pocket"
SETTINGS = CaptionerSettings.model_validate({"max_tokens": 64, "beams": 1})
COMPUTE = ComputeSettings(device="cpu", inference_threads=1, training_threads=1)


@dataclass(frozen=True)
class Renders:
    """Fresh test renders of the pocket world, and what the pocket captioner answers."""

    folder: Path
    photos: dict[str, PhotoFile]
    truths: dict[str, dict[str, str]]
    describe: Describe
    answers: dict[str, Answer]

    def again(self, batch: int, shards: int) -> dict[str, Answer]:
        return describe_in_shards(self.photos, self.folder, self.describe, batch, shards)


@pytest.fixture(scope="module", params=[24, pytest.param(300, marks=pytest.mark.slow)])
def renders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Renders:
    folder = tmp_path_factory.mktemp("renders")
    photos, truths = lay_out(request.param, folder)
    describe = load_captioner(POCKET / "florence2", SETTINGS, COMPUTE)
    return Renders(folder, photos, truths, describe, describe_in_shards(photos, folder, describe, SETTINGS.batch))


@pytest.mark.parametrize(("batch", "shards"), [(SETTINGS.batch, 1), (SETTINGS.batch, 4), (1, 1)])
def test_answers_are_the_same_again_in_shards_and_alone(renders: Renders, batch: int, shards: int) -> None:
    assert renders.again(batch, shards) == renders.answers
    assert set(renders.answers) == set(renders.photos)


def test_descriptions_are_true(renders: Renders) -> None:
    said = [caption_of(renders.answers[photo], SETTINGS, "toy") for photo in renders.photos]
    rates = count_attributes([renders.truths[photo] for photo in renders.photos], said)
    assert min(rate.share for rate in rates.values()) >= 0.85
    assert sum(rate.share for rate in rates.values()) / len(rates) >= 0.95


@pytest.mark.parametrize("style", ["sentences", "sentence", "tags"])
def test_every_caption_keeps_the_rules(renders: Renders, style: CaptionStyle) -> None:
    described = {photo: caption_of(answer, SETTINGS, "toy") for photo, answer in renders.answers.items()}
    scores = score_rewrites(described, renders.truths, style, POCKET / "sdxl")
    assert set(scores.captions) == set(renders.photos)
    assert not scores.too_long and scores.longest <= scores.limit
    assert not scores.without_one_trigger
    assert not scores.with_empty_words
    assert not scores.empty
    assert all(SUBJECT.subject_class in caption for caption in scores.captions.values())
    assert min(rate.share for rate in scores.rates.values()) >= 0.95
    assert score_rewrites(described, renders.truths, style, POCKET / "sdxl").captions == scores.captions
