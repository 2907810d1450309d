"""Which code makes a result: what a stage imports, and the lists of modules under whose code results are filed."""

import ast
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from darkroom.captions import captioners, polisher
from darkroom.config.base import ComputeSettings
from darkroom.families.base import FAMILIES, ModelFamily, code_modules, family
from darkroom.framing import frames, mask_measures, quality_scores, salient_networks, subject_masks, transformers_masks
from darkroom.framing.segmenter import Finder
from darkroom.imaging import open_photo, thumbnails
from darkroom.models import clip_vectors
from darkroom.models.lock import LockedModel
from darkroom.photos import fingerprints, local_features, pair_alignments, photo_survey
from darkroom.storage.code_version import code_version, darkroom_modules, imported_packages, stage_code
from darkroom.training import picture_encoding, rendering

SCRIPTS = Path(__file__).parents[3] / "scripts"
# They find, tell, store or carry what decides a result and decide nothing themselves: settings, models and the number
# of threads are parts of the keys.
DECIDE_NOTHING = {
    "darkroom.errors",
    "darkroom.contracts.frame_table",
    "darkroom.framing.tables",
    *(f"darkroom.config.{name}" for name in ("base", "captions", "framing", "photos")),
    *(f"darkroom.jobs.{name}" for name in ("crash_isolation", "gpu_locks", "progress")),
    "darkroom.models.lock",
    "darkroom.families.base",
    *(f"darkroom.photo_folder.{name}" for name in ("index", "path_text", "photo_table")),
    *(f"darkroom.storage.{name}" for name in ("cache", "code_version", "files", "tables", "threads")),
    "darkroom.training.encodings",
}
# Windows in whole pixels come from there, and all their numbers are in the keys of frames.
PLANS = {"darkroom.framing.buckets", "darkroom.framing.frame_plan"}
# Each knows all kinds of masks, of which one makes the mask.
OTHER_MASKS = {"darkroom.framing.supplied_masks"}
OTHER_NETWORKS = OTHER_MASKS | {module.__name__ for module in salient_networks.MODULES}
OTHER_TRANSFORMERS = OTHER_MASKS | {module.__name__ for module in transformers_masks.MODULES}
NO_MODEL = {"darkroom.framing.looks", "darkroom.framing.segmenter"}

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
    "subject_masks: mask_measures": [((mask_measures,), ())],
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


def imports(module: ModelFamily) -> set[str]:
    """The modules that a module imports itself. Packages are left out: they decide nothing, as `test_house` sees."""
    files = darkroom_modules(Path(str(module.__file__)), SCRIPTS)
    return {name for name, file in files.items() if file.name != "__init__.py"}


def test_every_call_is_known() -> None:
    assert _calls() == sorted(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_a_list_holds_all_that_its_modules_import(call: str) -> None:
    for modules, decide_nothing in CALLS[call]:
        listed = {module.__name__ for module in modules}
        imported = {name for module in modules for name in imports(module)}
        assert imported - listed - DECIDE_NOTHING - set(decide_nothing) == set()


def test_nothing_is_let_off_in_vain() -> None:
    """A module that no list imports any more is to leave the names of those that decide nothing."""
    every = [module for lists in CALLS.values() for modules, _ in lists for module in modules]
    imported = {name for module in every for name in imports(module)}
    assert DECIDE_NOTHING - imported == set()


def test_what_puts_an_adapter_into_a_pipeline_decides_its_pictures() -> None:
    assert rendering.with_adapter.__module__ in {module.__name__ for module in rendering.MODULES}


SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_a_code_version_knows_the_packages_that_the_code_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    assert imported_packages(Path(str(thumbnails.__file__))) == {"PIL"}
    installed = code_version(thumbnails)
    version = metadata.version
    for package, same in (("pillow", False), ("torch", True)):
        code_version.cache_clear()
        monkeypatch.setattr(metadata, "version", lambda name, new=package: "99" if name == new else version(name))
        assert (code_version(thumbnails) == installed) is same
    code_version.cache_clear()


def test_stage_code_follows_imports(tmp_path: Path) -> None:
    package = tmp_path / "darkroom"
    (package / "room").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "room/__init__.py": "",
        "room/used.py": "def f():\n    from darkroom.room import deep\n",
        "room/deep.py": "import darkroom.leaf\n",
        "room/unused.py": "",
        "leaf.py": "",
    }.items():
        (package / name).write_text(text)
    script = tmp_path / "stage.py"
    script.write_text("import json\nfrom darkroom.room.used import f\n")
    names = {str(path.relative_to(package)) for path in stage_code(script, tmp_path)}
    assert names == {"__init__.py", "room/__init__.py", "room/used.py", "room/deep.py", "leaf.py"}


def test_a_stage_does_not_depend_on_another_rooms_settings() -> None:
    for name in ("mask_subjects", "train_lora", "caption_photos"):
        files = {path.name for path in stage_code(SCRIPTS / f"{name}.py", SCRIPTS)}
        assert not files & {"loading.py", "project.py"}
        assert "command.py" in files
