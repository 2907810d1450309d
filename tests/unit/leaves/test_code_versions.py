"""The lists of modules under whose code results are filed, held against what these modules import."""

import ast
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

import pytest

from darkroom import clip_vectors, open_photo, thumbnails
from darkroom.captions import captioners, polisher
from darkroom.families import FAMILIES, code_modules, family
from darkroom.framing import (
    frames,
    mask_numbers,
    quality_scores,
    salient_networks,
    subject_masks,
    transformers_masks,
)
from darkroom.framing.mask_models import Finder
from darkroom.model_lock import LockedModel
from darkroom.photos import fingerprints, local_features, pair_alignments, photo_survey
from darkroom.settings import ComputeSettings
from darkroom.stage_code import darkroom_modules
from darkroom.training import picture_encoding, rendering

SCRIPTS = Path(__file__).parents[3] / "scripts"
# They find, tell, store or carry what decides a result and decide nothing themselves: settings, models and the number
# of threads are parts of the keys.
DECIDE_NOTHING = {
    "darkroom",
    *("darkroom.cache", "darkroom.errors", "darkroom.files", "darkroom.gpu_slot", "darkroom.model_lock"),
    *("darkroom.own_process", "darkroom.photo_index", "darkroom.photo_paths", "darkroom.progress", "darkroom.settings"),
    *("darkroom.tables", "darkroom.threads", "darkroom.training.encodings"),
    *(f"darkroom.{room}" for room in ("captions", "families", "framing", "photos", "training")),
    *(f"darkroom.{room}.settings" for room in ("captions", "framing", "photos")),
}
# Windows in whole pixels come from there, and all their numbers are in the keys of frames.
PLANS = {"darkroom.framing.buckets", "darkroom.framing.frame_plan"}
# Each knows all kinds of masks, of which one makes the mask.
OTHER_MASKS = {"darkroom.framing.supplied_masks"}
OTHER_NETWORKS = OTHER_MASKS | {module.__name__ for module in salient_networks.MODULES}
OTHER_TRANSFORMERS = OTHER_MASKS | {module.__name__ for module in transformers_masks.MODULES}
NO_MODEL = {"darkroom.framing.looks", "darkroom.framing.mask_models"}

Modules = tuple[ModuleType, ...]


def _finder_modules(*models: str) -> Modules:
    """The modules of what masks by a model, or by one and another that finds boxes for it, given by their paths."""
    model, boxes = ([LockedModel(name, "", Path(name), {}) for name in models] + [None])[:2]
    assert model is not None
    return Finder(model, boxes, None, "toy", ComputeSettings(device="cpu")).modules()


OF_FAMILIES = [code_modules(family(name)) for name in FAMILIES]
# Every call of code_version, as it is written: what it may be given, and which imports of that decide nothing there.
CALLS: dict[str, list[tuple[Modules, Collection[str]]]] = {
    "caption_photos: *open_photo.MODULES, *MODULES[kind]": [
        ((*open_photo.MODULES, *modules), ()) for modules in captioners.MODULES.values()
    ],
    "clip_vectors: *MODULES": [(clip_vectors.MODULES, ())],
    "encode_dataset: *picture_encoding.MODULES, *code_modules(module)": [
        ((*picture_encoding.MODULES, *modules), ()) for modules in OF_FAMILIES
    ],
    "fingerprints: *MODULES": [(fingerprints.MODULES, ())],
    "frames: *MODULES": [(frames.MODULES, PLANS)],
    "local_features: *MODULES": [(local_features.MODULES, ())],
    "pair_alignments: *MODULES": [(pair_alignments.MODULES, ())],
    "photo_survey: *MODULES": [(photo_survey.MODULES, ())],
    "quality_scores: *MODULES": [(quality_scores.MODULES, ())],
    "render_prior: *rendering.MODULES, *code_modules(module)": [
        ((*rendering.MODULES, *modules), ()) for modules in OF_FAMILIES
    ],
    "render_samples: *rendering.MODULES, *code_modules(module)": [
        ((*rendering.MODULES, *modules), ()) for modules in OF_FAMILIES
    ],
    "rewrite_captions: *polisher.MODULES": [(polisher.MODULES, ())],
    "subject_masks: *MODULES, *finder.modules()": [
        ((*subject_masks.MODULES, *_finder_modules(*models)), others)
        for models, others in (
            (("u2netp.onnx",), OTHER_TRANSFORMERS),
            (("florence",), OTHER_NETWORKS),
            (("sam", "florence"), OTHER_NETWORKS),
            (("sam", "u2netp.onnx"), OTHER_MASKS),
        )
    ],
    "subject_masks: *SUPPLIED_MODULES": [(subject_masks.SUPPLIED_MODULES, NO_MODEL)],
    "subject_masks: mask_numbers": [((mask_numbers,), ())],
    "thumbnails: *MODULES": [(thumbnails.MODULES, ())],
}


def _calls() -> list[str]:
    """Every call of code_version in the scripts and the library: the file's name and the arguments."""
    found = []
    for path in sorted(SCRIPTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "code_version":
                found.append(f"{path.stem}: {', '.join(ast.unparse(each) for each in node.args)}")
    return sorted(found)


def test_every_call_is_known() -> None:
    assert _calls() == sorted(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_a_list_holds_all_that_its_modules_import(call: str) -> None:
    for modules, decide_nothing in CALLS[call]:
        listed = {module.__name__ for module in modules}
        imported = {name for module in modules for name in darkroom_modules(Path(str(module.__file__)), SCRIPTS)}
        assert imported - listed - DECIDE_NOTHING - set(decide_nothing) == set()


def test_nothing_is_let_off_in_vain() -> None:
    """A module that no list imports any more is to leave the names of those that decide nothing."""
    every = [module for lists in CALLS.values() for modules, _ in lists for module in modules]
    imported = {name for module in every for name in darkroom_modules(Path(str(module.__file__)), SCRIPTS)}
    assert DECIDE_NOTHING - imported == set()


def test_what_puts_an_adapter_into_a_pipeline_decides_its_pictures() -> None:
    assert rendering.with_adapter.__module__ in {module.__name__ for module in rendering.MODULES}
