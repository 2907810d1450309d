"""Models that find the subject: which is told by the files, what each family sees, true classes with random weights."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tiny_florence import save_tiny_florence
from tiny_sam import save_tiny_sam, save_tiny_sam2
from transformers import Florence2Processor

from darkroom.config.base import ComputeSettings
from darkroom.errors import UserError
from darkroom.framing import salient_networks
from darkroom.framing.salient_networks import FAMILIES, family_of, load_network
from darkroom.framing.segmenter import Finder, load_segmenter, model_kind, noun_phrase
from darkroom.framing.transformers_masks import CANVAS, SEGMENTATION, draw_polygons, load_florence_boxes, load_sam_masks
from darkroom.models.florence import GROUNDING, parse_answer
from darkroom.models.lock import LockedModel

CPU = ComputeSettings(device="cpu")
POCKET = Path(__file__).parents[3] / "resources" / "pocket" / "florence2"


def finder(path: Path, box_model: Path | None = None) -> Finder:
    locked = [LockedModel(str(place), "local", place, {}) if place else None for place in (path, box_model)]
    assert locked[0] is not None
    return Finder(locked[0], locked[1], None, "toy", CPU)


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8))


@pytest.fixture(scope="module")
def florence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_florence(tmp_path_factory.mktemp("florence"))


class Network:
    """An ONNX session that answers with the mean of what it sees, as its family's networks would of their pixels."""

    def __init__(self, shape: list[object]) -> None:
        self.shape, self.seen = shape, np.zeros(0)

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="input", shape=self.shape)]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="first"), SimpleNamespace(name="side output")]

    def run(self, names: list[str], values: dict[str, np.ndarray]) -> list[np.ndarray]:
        assert names == ["first"]
        self.seen = values["input"]
        return [self.seen.mean(axis=1, keepdims=True)]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("u2netp", "u2net"),
        ("u2net_human_seg", "u2net"),
        ("silueta", "u2net"),
        ("isnet-general-use", "isnet"),
        ("isnet_anime", "isnet-anime"),
        ("BiRefNet-general-bb_swin_v1_tiny-epoch_232", "birefnet"),
    ],
)
def test_file_names_tell_the_family(name: str, family: str) -> None:
    assert family_of(Path(f"{name}.onnx"), None) == FAMILIES[family]


def test_an_unknown_name_asks_for_the_family() -> None:
    with pytest.raises(UserError, match=r"masks\.network: the name model\.onnx .* u2net, isnet, isnet-anime, birefnet"):
        family_of(Path("model.onnx"), None)
    assert family_of(Path("model.onnx"), "isnet") == FAMILIES["isnet"]


@pytest.mark.parametrize(
    ("family", "shape", "side", "white"),
    [
        ("u2net", [1, 3, 320, 320], 320, (1 - 0.485) / 0.229),
        ("isnet", [1, 3, 1024, 1024], 1024, 0.5),
        ("isnet-anime", [1, 3, "height", "width"], 1024, 1 - 0.485),
        ("birefnet", ["batch", 3, 512, 512], 512, (1 - 0.485) / 0.229),
    ],
)
def test_each_family_sees_its_own_pixels(
    monkeypatch: pytest.MonkeyPatch, family: str, shape: list[object], side: int, white: float
) -> None:
    """The side is the network's own, white pixels become what its training had, and logits pass a sigmoid."""
    network = Network(shape)
    monkeypatch.setattr(salient_networks, "open_session", lambda *arguments: network)
    mask = load_network(Path("a.onnx"), family, "cpu", 1)(Image.new("RGB", (30, 20), "white"))
    assert network.seen.shape == (1, 3, side, side) and network.seen[0, 0, 0, 0] == pytest.approx(white)
    answer = float(network.seen.mean())
    expected = 1 / (1 + np.exp(-answer)) if family == "birefnet" else min(answer, 1)
    assert mask.size == (30, 20) and mask.getpixel((5, 5)) == round(255 * expected)


def test_wrong_networks_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "u2net.onnx").write_text("no model")
    with pytest.raises(UserError, match=r"masks: .*u2net\.onnx is no ONNX model"):
        load_segmenter(finder(tmp_path / "u2net.onnx"))
    monkeypatch.setattr(salient_networks, "open_session", lambda *arguments: Network([1, 3, 320, 640]))
    with pytest.raises(UserError, match="not squares"):
        load_network(Path("a.onnx"), "u2net", "cpu", 1)


def test_a_folder_of_something_else_is_one_line(tmp_path: Path) -> None:
    model = LockedModel("a/b", "", tmp_path, {})
    with pytest.raises(UserError, match=r"masks\.model: a/b is no model known here"):
        model_kind(model, "masks.model")
    (tmp_path / "config.json").write_text('{"model_type": "clipseg"}')
    with pytest.raises(UserError, match=r"masks\.second: a/b is of type clipseg; give an ONNX file"):
        model_kind(model, "masks.second")


def test_the_subject_is_asked_for_with_an_article() -> None:
    assert [noun_phrase(word) for word in ("toy", "owl")] == ["a toy", "an owl"]


def test_what_decides_a_mask_is_in_its_key(tmp_path: Path) -> None:
    """The class decides what Florence-2 sees, not what a network sees; a box model decides SAM's masks."""
    network, folder = finder(tmp_path / "u2netp.onnx"), finder(tmp_path, tmp_path / "u2netp.onnx")
    assert "noun" not in network.decides() and folder.decides()["noun"] == "toy"
    assert folder.decides()["box_model"] == network.decides()["model"]
    names = [module.__name__.rpartition(".")[2] for module in folder.modules()]
    assert {"florence", "transformers_masks", "salient_networks"} <= set(names)
    assert "florence" not in [module.__name__.rpartition(".")[2] for module in network.modules()]


@pytest.mark.parametrize(("kind", "save"), [("sam", save_tiny_sam), ("sam2", save_tiny_sam2)])
def test_sam_segments_what_lies_in_the_box(
    tmp_path: Path, picture: Image.Image, kind: str, save: Callable[[Path], Path]
) -> None:
    """Of the true class: soft masks of the picture's size, the same again, others for another box."""
    save(tmp_path)
    assert model_kind(LockedModel("a", "", tmp_path, {}), "masks.model") == kind
    boxes = [(10, 10, 70, 50), (10, 10, 70, 50), (0, 0, 20, 15)]
    masks = [load_sam_masks(tmp_path, kind, lambda _, box=box: box, CPU, "masks.model")(picture) for box in boxes]
    assert {(mask.mode, mask.size) for mask in masks} == {("L", (90, 60))}
    levels = [np.asarray(mask) for mask in masks]
    assert np.array_equal(levels[0], levels[1]) and not np.array_equal(levels[0], levels[2])
    assert levels[0].min() > 0 and levels[0].max() < 255
    nothing = load_sam_masks(tmp_path, kind, lambda _: None, CPU, "masks.model")(picture)
    assert nothing.getextrema() == (0, 0)


def test_sam_needs_something_that_finds_boxes(tmp_path: Path, picture: Image.Image, florence: Path) -> None:
    save_tiny_sam(tmp_path)
    with pytest.raises(UserError, match=r"masks\.model: .* set masks\.box_model to what finds the box"):
        load_segmenter(finder(tmp_path))
    assert load_segmenter(finder(tmp_path, florence))(picture).size == picture.size


def test_florence_segments_by_the_class_word(picture: Image.Image, florence: Path) -> None:
    segment = load_segmenter(finder(florence))
    mask = segment(picture)
    assert mask.mode == "L" and mask.size == picture.size
    assert np.array_equal(np.asarray(segment(picture)), np.asarray(mask))


def test_polygons_of_florence_become_soft_masks(florence: Path) -> None:
    processor = Florence2Processor.from_pretrained(florence)
    places = (0, 0, 499, 0, 499, 499, 0, 499)
    text = "</s><s>" + "".join(f"<loc_{place}>" for place in places) + "</s><pad>"
    things = parse_answer(processor, text, SEGMENTATION, (CANVAS, CANVAS))["polygons"]
    mask = np.asarray(draw_polygons(things, (90, 61)))
    assert mask.shape == (61, 90) and mask[10:20, 10:35].min() == 255 and mask[:, 50:].max() == 0
    assert mask[35:].max() == 0 and 0 < mask[30, 10] < 255
    assert draw_polygons([[[1.0, 2.0, 3.0, 4.0]]], (8, 8)).getextrema() == (0, 0)


def test_the_largest_box_of_florence_is_taken(
    monkeypatch: pytest.MonkeyPatch, picture: Image.Image, florence: Path
) -> None:
    processor = Florence2Processor.from_pretrained(florence)
    answer = "</s><s>a toy<loc_0><loc_0><loc_99><loc_99><loc_500><loc_0><loc_999><loc_499></s>"
    found = parse_answer(processor, answer, GROUNDING, (CANVAS, CANVAS))
    monkeypatch.setattr("darkroom.framing.transformers_masks._ask_florence", lambda *asked: found)
    assert load_florence_boxes(florence, "a toy", CPU, "masks.box_model")(picture) == (45, 0, 90, 30)
    monkeypatch.setattr("darkroom.framing.transformers_masks._ask_florence", lambda *asked: {"bboxes": []})
    assert load_florence_boxes(florence, "a toy", CPU, "masks.box_model")(picture) is None


def test_a_florence_that_cannot_segment_is_one_line() -> None:
    with pytest.raises(UserError, match=r"masks\.model: the Florence-2 at .* does not know the task <REFERRING"):
        load_segmenter(finder(POCKET))
