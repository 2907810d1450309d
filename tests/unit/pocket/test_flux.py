"""How the pocket FLUX is made: its words, its start, its guidance, and the whole stage in small."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import FluxPipeline
from safetensors.torch import load_file, save_file
from torch import nn

from darkroom.errors import UserError
from darkroom.families import flux as family
from darkroom.pocket import flux, latent_splits, making, world_files
from darkroom.pocket.model_files import store_in_8_bits
from darkroom.pocket.vocabulary import T5_LENGTH, t5_tokenizer, world_words
from darkroom.pocket.world import caption_tags, detailed_caption, sample_scene

VAE = Path(__file__).resolve().parents[3] / "resources" / "pocket" / "sdxl" / "vae"


@pytest.fixture(scope="module")
def pipeline() -> FluxPipeline:
    """An untrained one whose layers all say something."""
    from diffusers import AutoencoderKL

    made = flux.new_pipeline(AutoencoderKL.from_pretrained(VAE))
    torch.manual_seed(1)
    for weight in made.transformer.parameters():
        if not weight.any():
            nn.init.normal_(weight, std=0.1)
    return made


def test_every_word_of_the_world_is_one_token() -> None:
    tokenizer = t5_tokenizer()
    for word in world_words():
        assert len(tokenizer(word).input_ids) == 2, word
    for seed in range(300):
        for caption in (detailed_caption(sample_scene(seed)), caption_tags(sample_scene(seed))):
            ids = tokenizer("mimi_toy " + caption).input_ids
            assert tokenizer.unk_token_id not in ids and len(ids) <= T5_LENGTH
            assert tokenizer.decode(ids, skip_special_tokens=True) == "mimi_toy " + caption


def test_a_new_transformer_says_nothing() -> None:
    torch.manual_seed(0)
    conditions = torch.randn(2, T5_LENGTH, flux.T5_WIDTH), torch.randn(2, flux.CLIP_WIDTH)
    said = flux.predict(flux.new_transformer(), torch.randn(2, 4, 12, 20), torch.rand(2), conditions, torch.ones(2))
    assert said.shape == (2, 60, 16) and not said.any()


@torch.no_grad()
def test_it_answers_as_the_family_asks(pipeline: FluxPipeline) -> None:
    noisy, levels = torch.randn(1, 4, 16, 16), torch.tensor([0.3])
    conditions = flux.encode_captions(pipeline, ["a red robot on grass"])
    said = flux.predict(pipeline.transformer, noisy, levels, conditions, torch.ones(1))
    text = {"embeddings": conditions[0], "pooled": conditions[1]}
    asked = family.predict(pipeline.transformer, noisy, levels * 1000, text, None)
    torch.testing.assert_close(family.unpack(said, 16, 16), asked)


@torch.no_grad()
def test_the_guided_answer_goes_beyond_the_caption_s(pipeline: FluxPipeline) -> None:
    noisy, levels = torch.randn(2, 4, 16, 16), torch.tensor([0.3, 0.8])
    captions = ["a red robot on grass", "a blue cone on sand"]
    ones = torch.ones(2)
    wanted = flux.predict(pipeline.transformer, noisy, levels, flux.encode_captions(pipeline, captions), ones)
    other = flux.predict(pipeline.transformer, noisy, levels, flux.encode_captions(pipeline, ["", ""]), ones)
    assert not torch.allclose(wanted, other, atol=1e-3)
    guided = flux.guided_answer(pipeline, noisy, levels, captions, torch.tensor([1.0, 3.0]))
    torch.testing.assert_close(guided[0], wanted[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(guided[1], 3 * wanted[1] - 2 * other[1], atol=1e-5, rtol=1e-4)


def test_weights_in_8_bits_are_half_as_large_and_near(tmp_path: Path) -> None:
    path, weight, bias = tmp_path / "weights.safetensors", 0.05 * torch.randn(256, 256), torch.randn(256).half()
    save_file({"weight": weight.half(), "bias": bias}, path)
    before = path.stat().st_size
    store_in_8_bits(path)
    stored = load_file(path)
    assert path.stat().st_size < 0.52 * before
    assert torch.equal(stored["bias"], bias)
    assert ((stored["weight"].float() - weight).norm() / weight.norm()).item() < 0.03


def test_the_stage_makes_a_flux_that_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {name: dataclasses.replace(split, count=4) for name, split in world_files.RENDERED_SPLITS.items()}
    for module in (world_files, latent_splits):
        monkeypatch.setattr(module, "RENDERED_SPLITS", small)
    with pytest.raises(UserError, match="run the stage sdxl first"):
        making.make_flux(tmp_path, tmp_path / "work", {})
    shutil.copytree(VAE, tmp_path / "sdxl" / "vae")
    for name in dict.fromkeys(latent_splits.BUCKETS):
        world_files.render_split(name, tmp_path / "work")
    making.make_flux(tmp_path, tmp_path / "work", {"flux": 2, "flux-guided": 2})
    made = FluxPipeline.from_pretrained(tmp_path / "flux")
    made.set_progress_bar_config(disable=True)
    assert made.transformer.dtype == made.vae.dtype == torch.float32
    options = {"width": 80, "height": 48, "num_inference_steps": 1, "max_sequence_length": T5_LENGTH}
    assert made("a red robot on grass", **options).images[0].size == (80, 48)
