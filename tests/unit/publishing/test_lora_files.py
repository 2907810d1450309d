"""Published files: the same bytes every time, loaded by diffusers under both names with the same effect."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from table_rows import photo_file, score
from tiny_sdxl import save_tiny_sdxl

from darkroom.config.captions import SubjectSettings
from darkroom.config.training import TrainingSettings
from darkroom.contracts.checkpoint_files import chosen_checkpoint
from darkroom.contracts.choice import Choice, write_choice
from darkroom.contracts.evaluation_tables import Score
from darkroom.contracts.manifest import Frame, manifest_json
from darkroom.errors import UserError
from darkroom.families.base import family
from darkroom.photo_folder.photo_table import PhotoFile
from darkroom.publishing.lora_files import read_checkpoint, tensors_sha256, write_lora
from darkroom.publishing.lora_metadata import Training, lora_metadata, published_files
from darkroom.publishing.verification import verify_lora
from darkroom.storage.files import sha256_bytes, sha256_file, write_json
from darkroom.storage.tables import write_rows
from darkroom.training.adapter import add_adapter, save_adapter, trainable

SDXL = family("sdxl")
SETTINGS = TrainingSettings.model_validate({"rank": 4, "alpha": 2.0, "layers": "all", "steps": 100})
SCRIPTS = Path(__file__).parents[3] / "scripts"


def frames() -> list[Frame]:
    texts = ["zxq toy, grass", "zxq toy, sand", "zxq toy, `x` | <b>", "zxq toy, grass"]
    return [
        Frame(
            frame=f"{number:016x}",
            photo=f"{number:016x}",
            photo_sha256=f"{number:064x}",
            split="held_out" if number == 3 else "train",
            width=64,
            height=48 if number else 64,
            original_width=640,
            original_height=480,
            crop_left=0,
            crop_top=0,
            caption=text,
            untriggered=text.removeprefix("zxq "),
            caption_sha256="c",
            picture_sha256="p",
            mask_sha256="m",
        )
        for number, text in enumerate(texts)
    ]


def training() -> Training:
    return Training(
        project="box",
        target="pocket",
        run="main",
        subject=SubjectSettings.model_validate({"trigger": "zxq", "class": "toy", "kind": "object"}),
        base_model="owner/base",
        base_revision="abc",
        settings=SETTINGS,
        resolutions=(64,),
        frames=frames(),
        choice=Choice(100, 0.8, "best likeness"),
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sdxl(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture(scope="module")
def checkpoints(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints whose adapter has an effect everywhere."""
    denoiser = SDXL.load_denoiser(model, torch.float32)
    add_adapter(denoiser, SETTINGS, SDXL.LAYERS["all"])
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in trainable(denoiser).values():
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.3)
    folder = tmp_path_factory.mktemp("checkpoints")
    save_adapter(denoiser, "unet", folder / "step-000100.safetensors")
    return folder


def publish(checkpoints: Path, model: Path, folder: Path) -> tuple[Path, Path]:
    checkpoint = read_checkpoint(chosen_checkpoint(checkpoints, 100))
    diffusers, kohya = published_files(training(), SDXL, model, checkpoint, "d" * 64)
    write_lora(folder / "box.safetensors", *diffusers)
    write_lora(folder / "box.comfyui.safetensors", *kohya)
    return folder / "box.safetensors", folder / "box.comfyui.safetensors"


def render(pipeline: object) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    options = {"width": 32, "height": 32, "num_inference_steps": 2, "generator": generator, "output_type": "pt"}
    return pipeline("a toy", **options).images  # type: ignore[operator]


def test_both_files_have_the_effect_of_the_checkpoint(checkpoints: Path, model: Path, tmp_path: Path) -> None:
    pipeline = SDXL.load_pipeline(model, torch.device("cpu"))
    pictures = [render(pipeline)]
    for file in (checkpoints / "step-000100.safetensors", *publish(checkpoints, model, tmp_path)):
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name)
        pictures.append(render(pipeline))
        pipeline.unload_lora_weights()
    base, checkpoint, diffusers, kohya = pictures
    assert (checkpoint - base).abs().mean() > 0.01
    assert torch.equal(diffusers, checkpoint)
    torch.testing.assert_close(kohya, checkpoint, atol=1e-4, rtol=0)


def test_verify_lora_finds_every_module_and_the_change(checkpoints: Path, model: Path, tmp_path: Path) -> None:
    pipeline = SDXL.load_pipeline(model, torch.device("cpu"))
    for file in publish(checkpoints, model, tmp_path):
        found = verify_lora(file, pipeline, SDXL, "a toy", 1.0, 32)
        assert found.good and found.modules > 20 and found.change > 0
    tensors = {
        name: tensor * 0 for name, tensor in read_checkpoint(checkpoints / "step-000100.safetensors").tensors.items()
    }
    write_lora(tmp_path / "zero.safetensors", tensors, {})
    assert not verify_lora(tmp_path / "zero.safetensors", pipeline, SDXL, "a toy", 1.0, 32).good
    (tmp_path / "none.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="does not load"):
        verify_lora(tmp_path / "none.safetensors", pipeline, SDXL, "a toy", 1.0, 32)


def test_kohya_names_and_alphas(checkpoints: Path, model: Path, tmp_path: Path) -> None:
    _, file = publish(checkpoints, model, tmp_path)
    with safe_open(file, "pt") as tensors:
        names = set(tensors.keys())
        downs = {name.removesuffix(".lora_down.weight") for name in names if name.endswith(".lora_down.weight")}
        assert len(names) == 3 * len(downs)
        assert all(name.startswith("lora_unet_") and name.count(".") <= 2 for name in names)
        assert {float(tensors.get_tensor(f"{down}.alpha")) for down in downs} == {2.0}


def test_metadata_says_what_people_read_and_nothing_that_changes(
    checkpoints: Path, model: Path, tmp_path: Path
) -> None:
    file, kohya = publish(checkpoints, model, tmp_path)
    with safe_open(file, "pt") as tensors, safe_open(kohya, "pt") as others:
        metadata, other = tensors.metadata(), others.metadata()
    assert metadata["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"
    assert metadata["modelspec.trigger_phrase"] == "zxq toy"
    assert (metadata["ss_network_dim"], metadata["ss_network_alpha"], metadata["ss_steps"]) == ("4", "2", "100")
    assert json.loads(metadata["ss_tag_frequency"])["box"]["zxq toy"] == 3, "held-out frames were not trained on"
    assert json.loads(metadata["ss_bucket_info"])["buckets"]["0"] == {"resolution": [64, 48], "count": 2}
    assert json.loads(metadata["lora_adapter_metadata"])["unet.lora_alpha"] == 2.0
    assert other["sshs_model_hash"] != metadata["sshs_model_hash"]
    assert not any("date" in key or "/tmp" in value for key, value in metadata.items())


def test_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys, torch; from pathlib import Path; from darkroom.publishing.lora_files import write_lora;"
        "write_lora(Path(sys.argv[1]), {'b': torch.ones(2), 'a': torch.zeros(3)}, {c: c for c in 'zyxwvuts'})"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            check=True,
            env={"PYTHONPATH": str(SCRIPTS), "PYTHONHASHSEED": seed},
        )
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    with safe_open(tmp_path / "1", "pt") as file:
        assert torch.equal(file.get_tensor("b"), torch.ones(2)) and file.metadata()["z"] == "z"


def test_the_hash_is_of_the_tensors_alone() -> None:
    one = {"b": torch.ones(2), "a": torch.zeros(3)}
    assert tensors_sha256(one) == tensors_sha256(dict(reversed(one.items()))) != tensors_sha256({"a": one["a"]})
    metadata = lora_metadata(training(), SDXL.published_as(Path()), "d" * 64, "e" * 64)
    assert all(isinstance(value, str) and value for value in metadata.values())


def test_a_choice_without_a_checkpoint_is_one_clear_line(checkpoints: Path) -> None:
    with pytest.raises(UserError, match=r"no checkpoint of step 50 \(there: step-000100\)"):
        chosen_checkpoint(checkpoints, 50)


def test_the_script_publishes_the_same_bytes_twice(checkpoints: Path, model: Path, tmp_path: Path) -> None:
    files = {str(path.relative_to(model)): sha256_file(path) for path in sorted(model.rglob("*")) if path.is_file()}
    lock = {"source": "/somewhere/on/this/machine/base", "revision": "local", "path": str(model), "files": files}
    write_json(tmp_path / "pocket.json", lock)
    write_json(tmp_path / "manifest.json", manifest_json(frames()))
    texts = {2: "a toy on sand\n", 4: "of a photo that is not used"}
    rows = [photo_file(f"{n:016x}", path=f"{n}.jpg", sha256=f"{n:064x}") for n in range(5)]
    sidecars = {f"{n}.txt": sha256_bytes(text.encode()) for n, text in texts.items()}
    rows += [PhotoFile(path, "", sha256, "sidecar", of_path=f"{path[0]}.jpg") for path, sha256 in sidecars.items()]
    write_rows(tmp_path / "photos.csv", PhotoFile, rows)
    for n, text in texts.items():
        (tmp_path / f"{n}.txt").write_text(text)
    (tmp_path / "overrides.csv").write_text("photo,keep,box,caption\n4.jpg,no,,\n1.jpg,,1 2 3 4,zxq toy\n")
    config = {
        "project": "box",
        "photos": str(tmp_path),
        "subject": {"trigger": "zxq", "class": "toy", "kind": "object"},
        "targets": ["pocket"],
        "captioner": {"model": "owner/captioner"},
    }
    target = {"family": "sdxl", "model": str(model), "crop": {"resolution": 64}, "training": SETTINGS.model_dump()}
    written = []
    for name in ("one", "two"):
        run = tmp_path / name
        shutil.copytree(checkpoints, run / "training" / "checkpoints")
        write_json(run / "training" / "machine.json", {"architecture": "x86_64"})
        (run / "training" / "validation.csv").write_text(
            "step,loss,loss_se,untriggered_loss,prior_loss,frames,split\n"
            "0,0.5,0.01,0.5,,1,held_out\n100,0.25,0.01,0.5,,1,held_out\n"
        )
        write_choice(run / "evaluation" / "choice.json", Choice(100, 0.8, "best | likeness"))
        scores = [
            score(0, 0.0, likeness_se=0.01, prompt_following_se=0.02),
            score(100, 0.8, likeness=0.7, likeness_se=0.01, prompt_following=0.85, prompt_following_se=0.02),
            score(100, 1.0, likeness=0.75, likeness_se=0.01, prompt_following=0.8, prompt_following_se=0.02),
        ]
        write_rows(run / "evaluation" / "scores.csv", Score, scores, keep_order=True)
        command = [sys.executable, str(SCRIPTS / "publish_lora.py")]
        for option, value in {
            "target-name": "pocket",
            "run": "main",
            "run-folder": run,
            "manifest": tmp_path / "manifest.json",
            "model": tmp_path / "pocket.json",
            "photos": tmp_path / "photos.csv",
            "overrides": tmp_path / "overrides.csv",
            "config": json.dumps(config),
            "target": json.dumps(target),
        }.items():
            command += [f"--{option}", str(value)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        assert answer.stdout.startswith("publish_lora: step 100 at strength 0.8")
        written.append({path.name: path.read_bytes() for path in sorted((run / "lora").iterdir())})
    assert written[0] == written[1] and len(written[0]) == 4
    text = b"".join(written[0][name] for name in ("README.md", "provenance.json")).decode()
    assert "/tmp" not in text and "somewhere" not in text
    record = json.loads(written[0]["provenance.json"])
    assert record["settings"]["config"]["photos"] == tmp_path.name
    assert [photo["split"] for photo in record["dataset"]["photos"]] == ["train", "train", "train", "held_out"]
    assert record["dataset"]["photos_not_used"] == [f"{4:064x}"]
    assert record["dataset"]["sidecars"] == {f"{2:016x}": "a toy on sand"}
    assert record["dataset"]["overrides"] == {
        f"{1:016x}": {"keep": None, "box": [1.0, 2.0, 3.0, 4.0], "caption": "zxq toy"},
        f"{4:016x}": {"keep": False, "box": None, "caption": None},
    }
    assert record["dataset"]["frames"][f"{0:016x}"]["mask_sha256"] == "m" and record["machine"]
    assert record["files"]["box.safetensors"] == sha256_file(tmp_path / "one" / "lora" / "box.safetensors")
    assert record["packages"]["torch"] and record["models"]["pocket"]["source"] == "base"
    assert "| 0 | 0 | 0.2 ± 0.01 | 0.9 ± 0.02 |\n| 100 | 0.8 | 0.7 ± 0.01" in text and "-50%" in text
