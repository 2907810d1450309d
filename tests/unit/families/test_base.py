"""What every family must do, each on a tiny model of its true architecture."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import encode_dataset
import pytest
import render_prior
import torch
from accelerate.state import AcceleratorState
from tiny_dataset import encode_tiny_dataset, save_dataset
from tiny_models import TINY_MODELS

from darkroom.config.base import ComputeSettings
from darkroom.config.evaluation import RenderSettings
from darkroom.config.training import PriorSettings, TrainingSettings, ValidationSettings
from darkroom.contracts.checkpoint_files import checkpoint_file
from darkroom.errors import UserError
from darkroom.families import flux, sd15, sdxl, unet
from darkroom.families.base import FAMILIES, ModelFamily, code_modules, family
from darkroom.models.fetch import lock_local
from darkroom.publishing.lora_files import read_checkpoint, write_lora
from darkroom.publishing.verification import verify_lora
from darkroom.storage.code_version import code_version
from darkroom.storage.files import write_json
from darkroom.training.encodings import Encodings, read_encodings
from darkroom.training.lora_recipe import Recipe, train_lora
from darkroom.training.picture_encoding import picture_tensor
from darkroom.training.preflight import check_training
from darkroom.training.resume_state import SavingClock, TrainingState

CPU = torch.device("cpu")
Tiny = Callable[[str], Path]
SETTINGS = TrainingSettings(
    learning_rate=5e-3,
    rank=4,
    alpha=2,
    layers="all",
    steps=30,
    batch=2,
    checkpoint_every=30,
    precision="fp32",
    gradient_checkpointing=False,
    caption_dropout=0.1,
)
NAMES = pytest.mark.parametrize("name", TINY_MODELS)


def module_of(name: str) -> ModelFamily:
    return family(TINY_MODELS[name][0])


@pytest.fixture(scope="session")
def encoded(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Encodings]:
    made: dict[str, Encodings] = {}

    def encodings(name: str) -> Encodings:
        if name not in made:
            work = tmp_path_factory.mktemp("encodings")
            made[name] = encode_tiny_dataset(module_of(name), tiny(name), work)
        return made[name]

    return encodings


def train(
    name: str, model: Path, encodings: Encodings, work: Path, prior: PriorSettings | None = None, **changes: Any
) -> TrainingState:
    compute = ComputeSettings(device="cpu", training_threads=1)
    training = SETTINGS.model_copy(update=changes)
    recipe = Recipe(training, prior or PriorSettings(weight=0.5), ValidationSettings(timesteps=4), compute)
    return train_lora(module_of(name), model, encodings, recipe, work, SavingClock(1e9))


def texts_of(encodings: Encodings, rows: list[Any]) -> dict[str, torch.Tensor]:
    texts = [encodings.tensors(row.text) for row in rows]
    return {part: torch.stack([text[part] for text in texts]) for part in texts[0]}


@NAMES
def test_thirty_steps_learn_and_the_files_load_whole(
    name: str, tiny: Tiny, encoded: Callable[[str], Encodings], tmp_path: Path
) -> None:
    """Noise and timesteps of the validation are fixed; both published forms change the pipeline's picture."""
    # Validated on two of the frames that it trains on.
    rows = tuple(replace(row, split="train") if row.kind == "frame" else row for row in encoded(name).rows)
    done = train(name, tiny(name), replace(encoded(name), rows=rows), tmp_path)
    losses = [row.loss for row in done.validation]
    assert losses[-1] < 0.97 * losses[0]
    trained = checkpoint_file(tmp_path / "checkpoints", 30)
    checkpoint, pipeline = read_checkpoint(trained), module_of(name).load_pipeline(tiny(name), CPU)
    write_lora(tmp_path / "comfyui.safetensors", module_of(name).comfyui_names(checkpoint.tensors, 2.0), {})
    found = [
        verify_lora(file, pipeline, module_of(name), "a toy", 1.0, 32)
        for file in (trained, tmp_path / "comfyui.safetensors")
    ]
    assert all(each.good and each.change > 0 for each in found)
    assert found[0].modules == found[1].modules == len(checkpoint.tensors) // 2
    assert found[0].change == pytest.approx(found[1].change, rel=0.05)


@NAMES
def test_the_prior_holds_to_the_base_model(
    name: str, tiny: Tiny, encoded: Callable[[str], Encodings], tmp_path: Path
) -> None:
    """Whatever the model predicts, the target of prior samples is its own answer without the adapter."""
    losses = {}
    for weight in (0.01, 50.0):
        changes = {"steps": 16, "checkpoint_every": 16, "caption_dropout": 0.0}
        done = train(name, tiny(name), encoded(name), tmp_path / str(weight), PriorSettings(weight=weight), **changes)
        losses[weight] = [row.prior_loss or 0.0 for row in done.log]
        assert losses[weight][0] < 1e-9 < losses[weight][-1]
    assert sum(losses[50.0]) < 0.7 * sum(losses[0.01])


@NAMES
def test_prior_pictures_are_rendered_encoded_and_trained_on(
    name: str, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The two rules before the training and the training, one after the other."""
    write_json(tmp_path / "model.json", lock_local(str(tiny(name))).to_json())
    prior = PriorSettings(weight=1.0, untriggered=0.0, pictures=5, prompts=["a {class}", "a red {class} on grass"])
    compute = ComputeSettings(device="cpu", training_threads=1).to_argument()
    shared = ["--model", str(tmp_path / "model.json"), "--family", TINY_MODELS[name][0], "--compute", compute]
    shared += ["--cache", str(tmp_path / "cache")]
    words = ["--subject-class", "toy", "--settings", prior.to_argument(), "--image-size", "32"]
    words += ["--render", RenderSettings(sampling_steps=2).to_argument(), "--table", str(tmp_path / "prior.csv")]
    monkeypatch.setattr("sys.argv", ["render_prior", *shared, *words, "--pictures", str(tmp_path / "prior")])
    render_prior.main()
    paths = save_dataset(tmp_path / "dataset")
    words = ["--manifest", str(paths["manifest"]), "--images", str(paths["images"]), "--masks", str(paths["masks"])]
    words += ["--prior", str(tmp_path / "prior.csv")]
    words += ["--encodings", str(tmp_path / "encodings"), "--table", str(tmp_path / "encodings.csv")]
    monkeypatch.setattr("sys.argv", ["encode_dataset", *shared, *words])
    encode_dataset.main()
    said = capsys.readouterr().out
    assert "render_prior: pictures 5/5, computed 5" in said
    encodings = read_encodings(tmp_path / "encodings.csv", tmp_path / "encodings")
    assert len(encodings.of("prior", "train")) == 4 and len(encodings.of("prior", "held_out")) == 1
    assert ", prior 4, " in check_training(encodings, SETTINGS, prior)
    done = train(name, tiny(name), encodings, tmp_path / "work", prior, steps=4, checkpoint_every=4)
    losses = [row.prior_loss for row in done.log if row.prior_loss is not None]
    assert len(losses) == 4 and losses[0] < 1e-9 < losses[-1]
    assert done.validation[0].prior_loss != done.validation[-1].prior_loss


@NAMES
def test_bf16_and_checkpointing_learn_nearly_the_same(
    name: str, tiny: Tiny, encoded: Callable[[str], Encodings], tmp_path: Path
) -> None:
    changes: dict[str, Any] = {"steps": 2, "checkpoint_every": 2}
    exact = train(name, tiny(name), encoded(name), tmp_path / "fp32", **changes)
    less: dict[str, Any] = {"precision": "bf16", "gradient_checkpointing": True}
    # A process trains in one precision.
    AcceleratorState._reset_state(True)
    short = train(name, tiny(name), encoded(name), tmp_path / "bf16", **changes, **less)
    AcceleratorState._reset_state(True)
    for row, other in zip(exact.log, short.log, strict=True):
        assert other.loss == pytest.approx(row.loss, rel=0.02)
        assert other.grad_norm == pytest.approx(row.grad_norm, rel=0.2)


@NAMES
@pytest.mark.parametrize("layers", ["attention", "attention+feedforward", "all"])
def test_layers_grow_with_the_preset_and_leave_the_ends_alone(name: str, layers: str, tiny: Tiny) -> None:
    from darkroom.training.adapter import add_adapter

    module = module_of(name)
    denoiser = module.load_denoiser(tiny(name), torch.float32)
    add_adapter(denoiser, SETTINGS, module.LAYERS[layers])
    adapted = {key.split(".lora_A")[0] for key, _ in denoiser.named_parameters() if ".lora_A." in key}
    kinds = {"attention": ("attn",), "attention+feedforward": ("attn", "ff", "proj_mlp", "proj_out"), "all": ("",)}
    if layers != "all":
        assert all(any(kind in key for kind in kinds[layers]) for key in adapted)
    assert not any(key.split(".")[0] in ("proj_out", "x_embedder", "conv_in", "conv_out") for key in adapted)
    smaller = {"attention": [], "attention+feedforward": module.LAYERS["attention"]}
    smaller["all"] = module.LAYERS["attention+feedforward"]
    assert set(smaller[layers]) < set(module.LAYERS[layers])


@NAMES
def test_encodings_hold_what_the_pipeline_would_make(name: str, tiny: Tiny, tmp_path: Path) -> None:
    from PIL import Image

    module, pipeline = module_of(name), module_of(name).load_pipeline(tiny(name), CPU)
    ours = module.encode_text(module.load_text_encoders(tiny(name), CPU), "a red toy")
    if module.FAMILY == "flux":
        limit = module.token_limit(module.load_tokenizers(tiny(name)))
        embeddings, pooled, _ = pipeline.encode_prompt("a red toy", None, device=CPU, max_sequence_length=limit)
        theirs = {"embeddings": embeddings[0], "pooled": pooled[0]}
    elif module.FAMILY == "sdxl":
        embeddings, _, pooled, _ = pipeline.encode_prompt("a red toy", device=CPU)
        theirs = {"embeddings": embeddings[0], "pooled": pooled[0]}
    else:
        theirs = {"embeddings": pipeline.encode_prompt("a red toy", CPU, 1, False)[0][0]}
    assert ours.keys() == theirs.keys()
    for part, tensor in theirs.items():
        torch.testing.assert_close(ours[part], tensor)
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(tmp_path / "picture.png")
    picture = picture_tensor(tmp_path / "picture.png")
    latents, config = module.encode_picture(module.load_vae(tiny(name), CPU), picture), pipeline.vae.config
    back = latents / config.scaling_factor + (config.shift_factor or 0)
    torch.testing.assert_close(back, pipeline.vae.encode(picture[None]).latent_dist.mean[0].detach())


@NAMES
def test_a_batch_of_two_is_two_alone(name: str, tiny: Tiny, encoded: Callable[[str], Encodings]) -> None:
    module, encodings = module_of(name), encoded(name)
    denoiser, noise_scheduler = (
        module.load_denoiser(tiny(name), torch.float32).eval(),
        module.load_noise_scheduler(tiny(name)),
    )
    rows = [row for row in encodings.of("frame", "train") if (row.height, row.width) == (24, 48)][:2]
    latents = torch.stack([encodings.tensors(row.latents)["latents"] for row in rows])
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    timesteps = module.timesteps_at(noise_scheduler, torch.tensor([0.2, 0.9], dtype=torch.float64))
    noisy = module.add_noise(noise_scheduler, latents, noise, timesteps)
    text, sizes = texts_of(encodings, rows), torch.tensor([[24, 48], [24, 48]])
    with torch.no_grad():
        both = module.predict(denoiser, noisy, timesteps, text, sizes)
        for place in (slice(0, 1), slice(1, 2)):
            one = {part: tensor[place] for part, tensor in text.items()}
            alone = module.predict(denoiser, noisy[place], timesteps[place], one, sizes[place])
            torch.testing.assert_close(both[place], alone, atol=1e-5, rtol=0)
    assert both.shape == latents.shape


@NAMES
def test_the_target_leads_from_the_noisy_to_the_clean(name: str, tiny: Tiny) -> None:
    """A scheduler of diffusers that is told the target arrives at the latents."""
    module, noise_scheduler = module_of(name), module_of(name).load_noise_scheduler(tiny(name))
    draw = torch.Generator().manual_seed(0)
    latents, noise = torch.randn(2, 4, 8, 8, generator=draw), torch.randn(2, 4, 8, 8, generator=draw)
    timesteps = module.timesteps_at(noise_scheduler, torch.tensor([0.25, 0.75], dtype=torch.float64))
    assert timesteps.tolist() == [250, 750]
    noisy = module.add_noise(noise_scheduler, latents, noise, timesteps)
    target = module.target(noise_scheduler, latents, noise, timesteps)
    for place in range(2):
        one = slice(place, place + 1)
        if module.FAMILY == "flux":
            noise_scheduler.set_timesteps(sigmas=[float(timesteps[place]) / 1000], mu=0.0)
            arrived = noise_scheduler.step(target[one], noise_scheduler.timesteps[0], noisy[one]).prev_sample
        else:
            noise_scheduler.config.clip_sample = False
            arrived = noise_scheduler.step(target[one], int(timesteps[place]), noisy[one]).pred_original_sample
        torch.testing.assert_close(arrived, latents[one], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["sd15", "sd15-v", "sdxl", "sdxl-v"])
def test_signal_to_noise_is_that_of_the_noisy_latents(name: str, tiny: Tiny) -> None:
    noise_scheduler = unet.load_noise_scheduler(TINY_MODELS[name][0], tiny(name))
    timesteps, flat = torch.tensor([10, 500]), torch.ones(2, 1, 1, 1)
    signal = unet.add_noise(noise_scheduler, flat, 0 * flat, timesteps).flatten()
    noise = unet.add_noise(noise_scheduler, 0 * flat, flat, timesteps).flatten()
    torch.testing.assert_close(unet.snr(noise_scheduler, timesteps), (signal / noise).square(), rtol=1e-3, atol=0)


@NAMES
@pytest.mark.parametrize("wanted", FAMILIES)
def test_weights_of_another_family_are_one_line(name: str, wanted: str, tiny: Tiny) -> None:
    theirs, module = TINY_MODELS[name][0], family(wanted)
    if theirs == wanted:
        return
    loaders: list[Callable[[], Any]] = [
        lambda: module.load_denoiser(tiny(name), torch.float32),
        lambda: module.load_tokenizers(tiny(name)),
        lambda: module.load_text_encoders(tiny(name), CPU),
        lambda: module.load_vae(tiny(name), CPU),
        lambda: module.load_noise_scheduler(tiny(name)),
        lambda: module.load_pipeline(tiny(name), CPU),
    ]
    for load in loaders:
        with pytest.raises(UserError, match=f"it is a model of .*, not of .*; set family: {theirs}") as caught:
            load()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wanted", FAMILIES)
def test_a_folder_that_is_no_model_says_so(wanted: str, tmp_path: Path) -> None:
    for load in (
        lambda: family(wanted).load_denoiser(tmp_path, torch.float32),
        lambda: family(wanted).load_tokenizers(tmp_path),
    ):
        with pytest.raises(UserError, match="diffusers form"):
            load()


@NAMES
def test_tokenizers_need_no_other_file(name: str, tiny: Tiny, tmp_path: Path) -> None:
    """Captions are counted before weights are there."""
    module, whole = module_of(name), tiny(name)
    for file in lock_local(str(whole), module.TOKENIZER_FILES).files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(whole / file, tmp_path / file)
    assert not list(tmp_path.rglob("*.safetensors"))
    alone, among = module.load_tokenizers(tmp_path), module.load_tokenizers(whole)
    assert module.token_limit(alone) == module.token_limit(among)
    counts = [module.count_tokens(alone, text) for text in ("", "a red toy", "a toy on grass")]
    assert counts == [module.count_tokens(among, text) for text in ("", "a red toy", "a toy on grass")]
    assert counts[0] < counts[1]


# mypy holds every family to the interface here (PEP 544, section on modules).
EVERY: tuple[ModelFamily, ...] = (flux, sd15, sdxl)


def test_families_are_found_by_name_and_have_all_of_the_interface() -> None:
    assert {module.FAMILY: module for module in EVERY} == {name: family(name) for name in FAMILIES}
    asked = {name for name in vars(ModelFamily) if not name.startswith("_")}
    assert len(asked) > 30
    for module in EVERY:
        assert asked <= set(vars(module))
    with pytest.raises(UserError, match="known families: flux, sd15, sdxl"):
        family("unet")


def test_shared_code_counts_as_the_family_s() -> None:
    modules = {module.__name__.rsplit(".", 1)[1] for module in code_modules(family("sdxl"))}
    assert {"sdxl", "unet", "autoencoder", "clip_text", "kohya_names", "model_folder", "single_file"} == modules
    assert code_version(*code_modules(family("sdxl"))) != code_version(*code_modules(family("sd15")))
