"""All captioners behind one interface: tiny models of the true architectures, alone and in a batch."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from table_rows import photo_on_disk, verdict
from tiny_florence import save_tiny_florence
from tiny_tagger import SIDE, TAGS, save_tiny_tagger
from tiny_vision_language import PARTS_TEMPLATE, save_tiny_llava, save_tiny_qwen
from transformers import GenerationMixin

from darkroom.captions.captioners import Describe, caption_of, captioner_kind, deciding_settings, load_captioner
from darkroom.captions.tagger import LEAST_PROBABILITY, probable_tags, tag_caption, tagger_input, written_tag
from darkroom.captions.vision_language import whole_sentences
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import CaptionerSettings
from darkroom.contracts.caption_tables import read_photo_captions
from darkroom.contracts.selection_table import Verdict
from darkroom.errors import UserError
from darkroom.models.fetch import lock_local
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.storage.files import write_json
from darkroom.storage.tables import write_rows

SCRIPT = Path(__file__).parents[3] / "scripts" / "caption_photos.py"
SETTINGS = CaptionerSettings.model_validate({"max_tokens": 10, "beams": 2, "batch": 3, "prompt": "the red cat"})
COMPUTE = ComputeSettings(device="cpu", inference_threads=1, training_threads=1)
MODELS: dict[str, Callable[[Path], Path]] = {
    "florence2": save_tiny_florence,
    "llava": save_tiny_llava,
    "qwen": save_tiny_qwen,
    "tagger": save_tiny_tagger,
}


def pictures(count: int) -> list[Image.Image]:
    """Noise in colours of its own, of many shapes; of the first two, one is the other's size turned."""
    draw = np.random.default_rng(1)
    sizes = [(48, 32), (32, 48), (48, 32), (40, 40), (48, 32), (64, 20)][:count]
    hues = [draw.integers(0, 256, (height, width, 3)) * draw.random(3) for width, height in sizes]
    return [Image.fromarray(hue.astype(np.uint8)) for hue in hues]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: save(tmp_path_factory.mktemp(name)) for name, save in MODELS.items()}


@pytest.fixture(scope="module", params=MODELS)
def describe(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Describe:
    return load_captioner(folders[request.param], SETTINGS, COMPUTE)


def test_an_answer_does_not_depend_on_its_neighbours(describe: Describe) -> None:
    seen = pictures(6)
    alone = [describe([picture])[0] for picture in seen]
    assert len({json.dumps(answer) for answer in alone}) > 3, "the pictures must be told apart"
    assert describe(seen[:3]) + describe(seen[3:]) == alone
    assert describe([seen[5], seen[0]]) == [alone[5], alone[0]]
    assert describe([seen[2], seen[4], seen[1]]) == [alone[2], alone[4], alone[1]]


@pytest.mark.parametrize("name", ["florence2", "llava", "qwen"])
def test_every_pass_holds_a_whole_batch(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    passes = []
    generate = GenerationMixin.generate

    def counted(model: Any, **inputs: Any) -> Any:
        passes.append(inputs["input_ids"].shape[0])
        return generate(model, **inputs)

    monkeypatch.setattr(GenerationMixin, "generate", counted)
    loaded = load_captioner(folders[name], SETTINGS, COMPUTE)
    for some in ([0], [0, 1], [0, 1, 2]):
        loaded([pictures(3)[number] for number in some])
    assert set(passes) == {SETTINGS.batch}
    # Two layouts, the first turned, are two passes of Qwen2-VL.
    assert len(passes) == (5 if name == "qwen" else 3)


@pytest.mark.parametrize("name", ["llava", "qwen"])
def test_a_large_photo_is_looked_at_in_a_smaller_size(folders: dict[str, Path], name: str) -> None:
    large = pictures(1)[0].resize((2400, 1600), Image.Resampling.NEAREST)
    small = large.copy()
    small.thumbnail((1024, 1024), Image.Resampling.LANCZOS)
    loaded = load_captioner(folders[name], SETTINGS, COMPUTE)
    assert loaded([large]) == loaded([small])
    assert large.size == (2400, 1600), "the photo itself stays as it is"


def test_captions_are_one_line_without_special_tokens(describe: Describe) -> None:
    captions = [caption_of(answer, SETTINGS, "toy") for answer in describe(pictures(3))]
    assert all(captions)
    assert not any(re.search(r"<[a-z/|_]+>|\n|  |^\s|\s$", caption) for caption in captions)


def test_the_kind_is_told_by_the_files(folders: dict[str, Path]) -> None:
    kinds = {name: captioner_kind(folder) for name, folder in folders.items()}
    vision_language = dict.fromkeys(("llava", "qwen"), "image-text-to-text")
    assert kinds == {"florence2": "florence2", "tagger": "tagger", **vision_language}


@pytest.mark.parametrize("config", [None, "[]", "{}", "no json", '{"model_type": "bert"}', '{"model_type": "nobody"}'])
def test_what_is_no_captioner_is_one_clear_line(tmp_path: Path, config: str | None) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"captioner\.model") as error:
        load_captioner(tmp_path, SETTINGS, COMPUTE)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["florence2", "llava"])
@pytest.mark.parametrize("damage", ["cut", "gone", "lacks a tensor", "no processor"])
def test_a_damaged_model_is_one_clear_line(tmp_path: Path, folders: dict[str, Path], name: str, damage: str) -> None:
    shutil.copytree(folders[name], tmp_path / name)
    weights = tmp_path / name / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:3000])
    elif damage == "gone":
        weights.unlink()
    elif damage == "lacks a tensor":
        tensors = load_file(weights)
        lost = next(key for key in sorted(tensors) if key.endswith("self_attn.q_proj.weight"))
        save_file({key: value for key, value in tensors.items() if key != lost}, weights, {"format": "pt"})
    else:
        for file in (tmp_path / name).glob("*processor*.json"):
            file.unlink()
    with pytest.raises(UserError, match=r"captioner\.model.*does not load as") as error:
        load_captioner(tmp_path / name, SETTINGS, COMPUTE)
    assert "\n" not in str(error.value)


def test_a_remote_code_model_is_refused(tmp_path: Path, folders: dict[str, Path]) -> None:
    for file in folders["llava"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text()) | {"model_type": "mine"}
    config["auto_map"] = {"AutoConfig": "mine.Config", "AutoModelForImageTextToText": "mine.Model"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(UserError, match=r"captioner\.model"):
        load_captioner(tmp_path, SETTINGS, COMPUTE)
    assert not (tmp_path / "ran").exists()


def test_only_what_a_captioner_hears_decides_its_answers() -> None:
    other = SETTINGS.model_copy(update={"prompt": "another", "tag_threshold": 0.5})
    assert deciding_settings("florence2", other) == deciding_settings("florence2", SETTINGS)
    assert deciding_settings("tagger", other) == deciding_settings("tagger", SETTINGS)
    assert deciding_settings("image-text-to-text", other) != deciding_settings("image-text-to-text", SETTINGS)
    beams = SETTINGS.model_copy(update={"beams": 5})
    assert deciding_settings("florence2", beams) != deciding_settings("florence2", SETTINGS)
    heard = {key for kind in ("florence2", "image-text-to-text", "tagger") for key in deciding_settings(kind, SETTINGS)}
    afterwards = {"model", "revision", "tag_threshold", "character_threshold"}
    assert heard - {"kind"} | afterwards == set(CaptionerSettings.model_fields)


def test_the_prompt_is_heard_in_both_kinds_of_chat_template(tmp_path: Path, folders: dict[str, Path]) -> None:
    (tmp_path / "parts").mkdir()
    parts = save_tiny_llava(tmp_path / "parts", PARTS_TEMPLATE)
    for folder in (parts, folders["llava"], folders["qwen"]):
        seen = pictures(3)
        other = SETTINGS.model_copy(update={"prompt": "a small robot sits"})
        assert load_captioner(folder, SETTINGS, COMPUTE)(seen) != load_captioner(folder, other, COMPUTE)(seen)


@pytest.mark.parametrize("template", [None, "{{ messages[-1]['content'] }}", "{{ nothing.at.all }}"])
def test_a_model_that_cannot_be_asked_is_one_clear_line(tmp_path: Path, template: str | None) -> None:
    with pytest.raises(UserError, match=r"captioner\.model.*chat template") as error:
        load_captioner(save_tiny_llava(tmp_path, template), SETTINGS, COMPUTE)
    assert "\n" not in str(error.value)


def test_a_text_that_was_cut_off_ends_with_a_whole_sentence() -> None:
    assert whole_sentences('A cat. It says "no." Then it') == 'A cat. It says "no."'
    assert whole_sentences("A cat of 3.5 kg") == "A cat of 3.5 kg"


@pytest.mark.parametrize("batch", ["batch", 1, 2])
def test_a_tagger_of_any_batch_says_the_same(tmp_path: Path, batch: int | str) -> None:
    expected = load_captioner(save_tiny_tagger(tmp_path / "any"), SETTINGS, COMPUTE)(pictures(3))
    assert (
        load_captioner(save_tiny_tagger(tmp_path / "own", (batch, SIDE, SIDE, 3)), SETTINGS, COMPUTE)(pictures(3))
        == expected
    )


def test_a_tagger_sees_blue_first_on_a_white_square() -> None:
    seen = tagger_input(Image.new("RGB", (8, 4), (10, 20, 30)), 8)
    assert seen.shape == (8, 8, 3) and seen.dtype == np.float32
    assert seen[0, 0].tolist() == [255, 255, 255] and seen[4, 4].tolist() == [30, 20, 10]
    assert tagger_input(Image.new("RGB", (300, 100), "red"), 16)[8, 8].tolist() == [0, 0, 255]


def test_tags_are_ordered_written_and_chosen_by_their_threshold() -> None:
    values = {"general": 0.99, "1girl": 0.4, "long_hair": 0.9, "^_^": 0.5, "(o)_(o)": 0.5, "blue_sky": 0.34}
    values |= {"hatsune_miku": 0.8, "reimu_(touhou)": 0.86, "red": 0.05}
    tags = probable_tags(np.array([values.get(name, 0.0) for name, _ in TAGS]), TAGS)
    assert [tag[0] for tag in tags][:3] == ["long_hair", "reimu_(touhou)", "hatsune_miku"]
    assert "red" not in {tag[0] for tag in tags}, "below every threshold that can be set"
    assert tag_caption(tags, SETTINGS) == "long hair, reimu (touhou), ^_^, (o)_(o), 1girl"
    all_of_them = SETTINGS.model_copy(update={"tag_threshold": 0.1, "character_threshold": 0.1})
    assert tag_caption(tags, all_of_them).endswith("1girl, blue sky")
    assert caption_of({"tags": tags}, SETTINGS, "") == tag_caption(tags, SETTINGS)
    assert [written_tag(name) for name in ("0_0", "||_||", "<|>_<|>", "d.va_(overwatch)")][-1] == "d.va (overwatch)"
    assert written_tag("||_||") == "||_||"
    for name in ("tag_threshold", "character_threshold"):
        assert CaptionerSettings.model_json_schema()["properties"][name]["minimum"] == LEAST_PROBABILITY


def test_a_threshold_runs_no_tagger(tmp_path: Path) -> None:
    """The rule's own script, on a shard: answers are remembered, captions are chosen from them.

    Of five files, three are captioned: one photo is not selected, one is a copy of the first.
    """
    photos = []
    for number, picture in enumerate(pictures(4)):
        path = tmp_path / f"{number}.png"
        picture.save(path)
        photos.append(photo_on_disk(path, width=picture.width, height=picture.height))
    copy = replace(photos[0], path="copy.png", status="identical", of_path=photos[0].path)
    write_rows(tmp_path / "photos.csv", PhotoFile, [*photos, copy])
    chosen = [verdict(photo.photo) for photo in photos[:3]]
    write_rows(tmp_path / "selection.csv", Verdict, [*chosen, verdict(photos[3].photo, selected=False, split="")])
    write_json(tmp_path / "lock.json", lock_local(str(save_tiny_tagger(tmp_path / "model"))).to_json())

    def run(**settings: float) -> tuple[str, list[str]]:
        command = [
            sys.executable,
            SCRIPT,
            "--photos",
            tmp_path / "photos.csv",
            "--selection",
            tmp_path / "selection.csv",
        ]
        command += ["--model", tmp_path / "lock.json", "--folder", tmp_path, "--subject-class", "toy"]
        command += ["--settings", CaptionerSettings.model_validate(settings).to_argument()]
        command += ["--compute", COMPUTE.to_argument(), "--cache", tmp_path / "cache", "--table", tmp_path / "out.csv"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        said = read_photo_captions(tmp_path / "out.csv")
        assert set(said) == {row.photo for row in chosen}
        return done.stdout.splitlines()[-1], list(said.values())

    line, captions = run()
    assert line == "caption_photos: captions used 3/3, computed 3"
    line, fewer = run(tag_threshold=0.7)
    assert line.endswith("computed 0") and fewer != captions
    assert all(set(few.split(", ")) <= set(many.split(", ")) for few, many in zip(fewer, captions, strict=True))


def test_a_broken_tagger_is_one_clear_line(tmp_path: Path) -> None:
    folder = save_tiny_tagger(tmp_path)
    names = (folder / "selected_tags.csv").read_text()
    for wrong in (names.replace("name", "label"), names.replace(",0,", ",x,"), names + "99,more,0,1\n"):
        (folder / "selected_tags.csv").write_text(wrong)
        with pytest.raises(UserError, match=r"captioner\.model.*selected_tags\.csv") as error:
            load_captioner(folder, SETTINGS, COMPUTE)
        assert "\n" not in str(error.value)
    (folder / "selected_tags.csv").write_text(names)
    (folder / "model.onnx").write_bytes(b"no network")
    with pytest.raises(UserError, match=r"captioner\.model.*no ONNX model"):
        load_captioner(folder, SETTINGS, COMPUTE)
    (folder / "model.onnx").unlink()
    with pytest.raises(UserError, match=r"captioner\.model.*model\.onnx"):
        load_captioner(folder, SETTINGS, COMPUTE)


def test_a_tagger_of_another_picture_format_is_refused(tmp_path: Path) -> None:
    folder = save_tiny_tagger(tmp_path, shape=(1, SIDE, SIDE + 4, 3))
    with pytest.raises(UserError, match=r"captioner\.model.*side, side, 3"):
        load_captioner(folder, SETTINGS, COMPUTE)
