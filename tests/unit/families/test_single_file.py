"""Checkpoints of one file, written in diffusers form without the Hub."""

import sys
from collections.abc import Callable
from pathlib import Path

import convert_checkpoint
import pytest
import torch
from original_names import save_single_file
from safetensors.torch import load_file, save_file

from darkroom.errors import UserError
from darkroom.families import single_file
from darkroom.families.base import family
from darkroom.families.single_file import Prediction
from darkroom.storage.files import read_json

CPU = torch.device("cpu")
Tiny = Callable[[str], Path]


def convert(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sys, "argv", ["convert_checkpoint.py", *map(str, arguments)])
    convert_checkpoint.main()


def test_sd15_under_its_original_names_is_the_same_model(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sd15 = tiny("sd15"), family("sd15")
    save_single_file(model, tmp_path / "one.safetensors")
    convert(monkeypatch, tmp_path / "one.safetensors", "--family", "sd15", "--config", model)
    for part in ("unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"):
        ours, theirs = (load_file(folder / f"{part}.safetensors") for folder in (tmp_path / "one", model))
        assert ours.keys() == theirs.keys()
        for name, tensor in theirs.items():
            assert torch.equal(ours[name], tensor.half() if tensor.is_floating_point() else tensor), name
    assert sd15.token_limit(sd15.load_tokenizers(tmp_path / "one")) == 24
    assert sd15.load_noise_scheduler(tmp_path / "one").config.prediction_type == "epsilon"
    assert not list(tmp_path.glob("*.partial"))


def test_flux_takes_all_but_the_transformer_from_the_folder(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, flux = tiny("flux-dev"), family("flux")
    weights = load_file(model / "transformer" / "diffusion_pytorch_model.safetensors")
    save_file({name: 2 * weight for name, weight in weights.items()}, tmp_path / "mine.safetensors")
    output = tmp_path / "folder"
    convert(monkeypatch, tmp_path / "mine.safetensors", "--family", "flux", "--config", model, "--output", output)
    ours = flux.load_denoiser(output, torch.float32).state_dict()
    assert ours.keys() == weights.keys()
    assert all(torch.equal(ours[name], 2 * weight) for name, weight in weights.items())
    assert flux.load_pipeline(output, CPU)("a toy", width=32, height=32, num_inference_steps=1).images


def save_with(file: Path, names: tuple[str, ...], metadata: dict[str, str] | None = None) -> None:
    """Add empty tensors of these names, and metadata, to a file; it is made where it is not there."""
    tensors = load_file(file) if file.exists() else {"a": torch.zeros(2)}
    save_file(tensors | {name: torch.tensor([]) for name in names}, file, metadata)


@pytest.mark.parametrize(
    ("names", "metadata", "asked", "found"),
    [
        ((), {}, None, None),
        (("v_pred", "ztsnr"), {}, None, Prediction("v_prediction", True)),
        (("v_pred",), {"modelspec.prediction_type": "epsilon"}, None, Prediction("v_prediction", False)),
        (("v_pred", "ztsnr"), {}, "epsilon", Prediction("epsilon", False)),
        ((), {"modelspec.prediction_type": "v"}, None, Prediction("v_prediction", False)),
        ((), {"modelspec.predict_key": "epsilon"}, None, Prediction("epsilon", False)),
        (
            (),
            {"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"},
            None,
            Prediction("v_prediction", True),
        ),
        ((), {}, "v_prediction", Prediction("v_prediction", False)),
    ],
)
def test_a_file_says_what_it_predicts(
    names: tuple[str, ...], metadata: dict[str, str], asked: str | None, found: Prediction | None, tmp_path: Path
) -> None:
    save_with(tmp_path / "one.safetensors", names, metadata)
    assert single_file.prediction_of(tmp_path / "one.safetensors", asked) == found


def test_v_prediction_with_zero_terminal_snr_is_written_into_the_scheduler(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As NoobAI's v-prediction models say it; the scheduler of the folder knows neither."""
    model, sd15 = tiny("sd15"), family("sd15")
    save_single_file(model, tmp_path / "one.safetensors")
    save_with(tmp_path / "one.safetensors", ("v_pred", "ztsnr"))
    convert(monkeypatch, tmp_path / "one.safetensors", "--family", "sd15", "--config", model)
    assert "it predicts v_prediction with zero terminal SNR, as one.safetensors says" in capsys.readouterr().out
    written = read_json(tmp_path / "one" / "scheduler" / "scheduler_config.json")
    assert (written["prediction_type"], written["rescale_betas_zero_snr"]) == ("v_prediction", True)
    assert written["timestep_spacing"] == "trailing"
    noise_scheduler = sd15.load_noise_scheduler(tmp_path / "one")
    assert noise_scheduler.config.prediction_type == "v_prediction" and float(noise_scheduler.alphas_cumprod[-1]) == 0
    pipeline = sd15.load_pipeline(tmp_path / "one", CPU)
    assert type(pipeline.scheduler).__name__ == written["_class_name"] == "DDIMScheduler"


def test_the_prediction_may_be_told(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, sd15, file = tiny("sd15"), family("sd15"), tmp_path / "one.safetensors"
    save_single_file(model, file)
    convert(monkeypatch, file, "--family", "sd15", "--config", model, "--prediction", "v_prediction")
    assert "it predicts v_prediction, as asked" in capsys.readouterr().out
    assert sd15.load_noise_scheduler(tmp_path / "one").config.prediction_type == "v_prediction"
    pipeline = sd15.load_pipeline(tmp_path / "one", CPU)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert type(pipeline.scheduler).__name__ == "PNDMScheduler"


def in_8_bits(file: Path) -> dict[str, torch.Tensor]:
    """Store the weights of a file as plain fp8 and return them in bf16."""
    tensors = load_file(file)
    small = {name: each.to(torch.float8_e4m3fn) for name, each in tensors.items() if each.is_floating_point()}
    save_file(tensors | small, file)
    return {name: tensor.to(torch.bfloat16) for name, tensor in small.items()}


def test_plain_fp8_becomes_bf16(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number in 8 bits is one in bf16, at half the size of fp32."""
    model = tiny("sd15")
    save_single_file(model, tmp_path / "one.safetensors")
    stored = in_8_bits(tmp_path / "one.safetensors")
    convert(monkeypatch, tmp_path / "one.safetensors", "--family", "sd15", "--config", model)
    unet = load_file(tmp_path / "one" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in unet.values()} == {torch.bfloat16}
    assert torch.equal(unet["conv_in.weight"], stored["model.diffusion_model.input_blocks.0.0.weight"])


def test_a_flow_is_told_no_prediction(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_with(tmp_path / "one.safetensors", ())
    options = ("--family", "flux", "--config", tiny("flux-dev"), "--prediction", "epsilon")
    with pytest.raises(UserError, match="--prediction: epsilon is for sd15 and sdxl; leave it out"):
        convert(monkeypatch, tmp_path / "one.safetensors", *options)


def test_what_cannot_be_converted_is_one_line(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    save_with(tmp_path / "playground.safetensors", ("edm_mean", "edm_std"))
    save_with(tmp_path / "cosxl.safetensors", ("v_pred", "edm_vpred.sigma_max"))
    save_with(tmp_path / "scaled.safetensors", ("model.diffusion_model.out.2.scale_weight",))
    save_file({"a": torch.zeros(4, dtype=torch.uint8)}, tmp_path / "four_bits.safetensors")
    (tmp_path / "there").mkdir()
    options = ("--family", "sd15", "--config", tiny("sd15"))
    cases = {
        ("other.safetensors", *options): "no checkpoint of the architecture",
        ("playground.safetensors", *options): "an EDM model",
        ("cosxl.safetensors", *options): "an EDM model",
        ("scaled.safetensors", *options): "its weights are scaled to fit into 8 bits",
        ("four_bits.safetensors", *options): r"its weights are quantized \(U8\)",
        ("other.safetensors", "--family", "sdxl", "--config", tiny("sd15")): "not of SDXL; set family: sd15",
        ("broken.safetensors", *options): "cannot be read as safetensors",
        ("missing.safetensors", *options): "no such file",
        ("other.safetensors", *options, "--output", tmp_path / "there"): "it is there already",
    }
    for (name, *rest), message in cases.items():
        with pytest.raises(UserError, match=message) as caught:
            convert(monkeypatch, tmp_path / str(name), *rest)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "other").exists()
