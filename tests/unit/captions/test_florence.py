"""The captioner: the true architecture, tiny and random; alone or in a batch, an answer is the same."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from table_rows import photo_file, photo_on_disk
from tiny_florence import save_tiny_florence

from darkroom.captions.florence import Captioner, describe, find_phrases, load_captioner, load_describe
from darkroom.captions.photo_captions import caption_keys, caption_photos
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings
from darkroom.errors import UserError
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.cache import Cache

SETTINGS = CaptionerSettings.model_validate({"max_tokens": 12, "beams": 3, "batch": 3})
COMPUTE = ComputeSettings(device="cpu", inference_threads=1, training_threads=1)


def pictures(count: int) -> list[Image.Image]:
    """Pictures of noise and of every shape."""
    draw = np.random.default_rng(0)
    sizes = [(30 + 7 * number, 50 - 3 * number) for number in range(count)]
    return [Image.fromarray(draw.integers(0, 256, (height, width, 3), dtype=np.uint8)) for width, height in sizes]


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Captioner:
    folder = save_tiny_florence(tmp_path_factory.mktemp("florence"))
    return load_captioner(folder, SETTINGS, COMPUTE)


def test_an_answer_does_not_depend_on_its_neighbours(captioner: Captioner) -> None:
    seen = pictures(6)
    alone = [describe(captioner, [picture])[0] for picture in seen]
    assert len(set(alone)) > 1, "the pictures must be told apart, or this test shows nothing"
    assert describe(captioner, seen[:3]) + describe(captioner, seen[3:]) == alone
    assert describe(captioner, [seen[5], seen[0]]) == [alone[5], alone[0]]
    assert describe(captioner, [seen[2], seen[4], seen[1]]) == [alone[2], alone[4], alone[1]]


def test_answers_hold_no_special_tokens_and_stay_short(captioner: Captioner) -> None:
    for answer in describe(captioner, pictures(3)):
        assert "<pad>" not in answer and "</s>" not in answer and "\n" not in answer
        assert len(captioner.processor.tokenizer(answer, add_special_tokens=False).input_ids) <= 13


def test_what_it_finds_does_not_depend_on_neighbours_or_the_length_of_their_captions(captioner: Captioner) -> None:
    seen, texts = pictures(3), ["a red ball", "a blue robot on grass in front of a brick wall, in dim light", "a cat"]
    alone = [find_phrases(captioner, [picture], [text])[0] for picture, text in zip(seen, texts, strict=True)]
    assert find_phrases(captioner, seen, texts) == alone
    assert find_phrases(captioner, seen[1:], texts[1:]) == alone[1:]


def test_grounding_is_asked_for_or_not_made(tmp_path: Path) -> None:
    folder, seen = save_tiny_florence(tmp_path), pictures(2)
    plain = load_describe(folder, SETTINGS, COMPUTE)(seen)
    checked = load_describe(folder, SETTINGS.model_copy(update={"grounding": True}), COMPUTE)(seen)
    assert [set(answer) for answer in plain] == [{"text"}, {"text"}]
    assert [answer["text"] for answer in checked] == [answer["text"] for answer in plain]
    assert all(isinstance(answer["found"], list) for answer in checked)


def test_grounding_by_a_model_that_cannot_is_one_clear_line() -> None:
    pocket = Path(__file__).parents[3] / "resources" / "pocket" / "florence2"
    with pytest.raises(UserError, match=r"captioner\.grounding") as error:
        load_describe(pocket, SETTINGS.model_copy(update={"grounding": True}), COMPUTE)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_captioner_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"captioner\.model") as error:
        load_captioner(tmp_path, SETTINGS, COMPUTE)
    assert "\n" not in str(error.value)


def shard(folder: Path, count: int) -> dict[str, PhotoFile]:
    photos = {}
    for number, picture in enumerate(pictures(count)):
        path = folder / f"{number}.jpg"
        picture.save(path)
        name = f"{number:016x}"
        photos[name] = photo_on_disk(path, photo=name, width=picture.width, height=picture.height)
    return photos


def test_each_photo_is_captioned_once_and_the_model_loads_only_for_work(tmp_path: Path) -> None:
    photos, calls, loads = shard(tmp_path, 5), [], []

    def load():  # type: ignore[no-untyped-def]
        loads.append(1)
        return lambda seen: calls.append(len(seen)) or [{"text": f"size {picture.size}"} for picture in seen]

    def run(chosen: dict[str, PhotoFile], **parts: str) -> tuple[dict[str, dict[str, str]], int]:
        keys = caption_keys(chosen, **parts)
        return caption_photos(chosen, keys, Cache(tmp_path / "cache"), 2, tmp_path, load)

    four = dict(list(photos.items())[:4])
    first, computed = run(four, model="m")
    assert (computed, calls, len(loads)) == (4, [2, 2], 1)
    assert run(four, model="m") == (first, 0) and len(loads) == 1
    assert run(photos, model="m")[1] == 1, "one photo more is one caption more"
    assert run(photos, model="another")[1] == 5


def test_a_photo_that_is_gone_is_one_clear_line(tmp_path: Path) -> None:
    photos = {"a": photo_file("a", path="gone.jpg")}
    with pytest.raises(UserError, match=r"gone\.jpg"):
        caption_photos(photos, caption_keys(photos), Cache(tmp_path), 2, tmp_path, lambda: lambda seen: [])
