"""CLIP through open_clip, on a tiny model with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from darkroom.errors import UserError
from darkroom.models.clip import Clip, embed_picture, embed_text, load_clip
from darkroom.pocket.clip import new_clip
from darkroom.pocket.model_files import save_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    folder = tmp_path_factory.mktemp("models") / "clip"
    save_clip(new_clip().eval(), folder, "a card")
    return load_clip(folder, torch.device("cpu"))


def test_pictures_and_texts_are_unit_vectors_that_tell_them_apart(clip: Clip) -> None:
    red, blue = Image.new("RGB", (80, 48), "red"), Image.new("RGB", (64, 64), "blue")
    vectors = [embed_picture(clip, red), embed_picture(clip, blue), embed_text(clip, "a red robot on grass")]
    assert [np.linalg.norm(vector) for vector in vectors] == pytest.approx([1, 1, 1])
    assert vectors[0] != vectors[1]
    assert embed_picture(clip, red) == vectors[0]
    assert embed_text(clip, "a blue robot on grass") != vectors[2]


def test_the_model_is_the_one_that_was_saved(clip: Clip) -> None:
    saved = new_clip().eval()
    for name, tensor in clip.model.state_dict().items():
        assert torch.equal(tensor, saved.state_dict()[name].half().to(tensor.dtype)), name
        assert tensor.dtype != torch.float16


def test_a_folder_without_the_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no open_clip_config\.json"):
        load_clip(tmp_path, torch.device("cpu"))


@pytest.mark.parametrize("name", ["open_clip_config.json", "open_clip_model.safetensors"])
def test_a_damaged_model_is_one_line(tmp_path: Path, name: str) -> None:
    save_clip(new_clip(), tmp_path / "clip", "a card")
    (tmp_path / "clip" / name).write_bytes(b"{}no model")
    with pytest.raises(UserError, match="does not load") as error:
        load_clip(tmp_path / "clip", torch.device("cpu"))
    assert "\n" not in str(error.value)
