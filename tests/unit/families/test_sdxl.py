"""What is particular to SDXL, against its own pipeline."""

from pathlib import Path

import pytest
import torch
from tiny_sdxl import save_tiny_sdxl

from darkroom.families import sdxl


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sdxl(tmp_path_factory.mktemp("model"))


def test_texts_are_encoded_as_the_pipeline_does(model: Path) -> None:
    pipeline = sdxl.load_pipeline(model, torch.device("cpu"))
    embeddings, negative, pooled, negative_pooled = pipeline.encode_prompt("a red toy", device="cpu")
    encoders = sdxl.load_text_encoders(model, torch.device("cpu"))
    ours = sdxl.encode_text(encoders, "a red toy")
    assert torch.allclose(ours["embeddings"], embeddings[0], atol=1e-6)
    assert torch.allclose(ours["pooled"], pooled[0], atol=1e-6)
    empty = sdxl.encode_text(encoders, "")
    assert torch.equal(empty["embeddings"], negative[0]) and torch.equal(empty["pooled"], negative_pooled[0])


def test_tokens_are_counted_with_their_ends(model: Path) -> None:
    tokenizers = sdxl.load_tokenizers(model)
    assert sdxl.count_tokens(tokenizers, "toy") == 5
    assert sdxl.token_limit(tokenizers) == 24


def test_latents_are_the_scaled_mean_and_decode_to_the_same_size(model: Path) -> None:
    vae = sdxl.load_vae(model, torch.device("cpu"))
    picture = torch.rand(3, 32, 48) * 2 - 1
    latents = sdxl.encode_picture(vae, picture)
    assert latents.shape == (4, 8, 12)
    assert torch.allclose(latents, vae.encode(picture[None]).latent_dist.mean[0].detach() * 0.5)


def test_denoiser_answers_as_in_the_pipeline(model: Path) -> None:
    denoiser = sdxl.load_denoiser(model, torch.float32)
    text = {"embeddings": torch.randn(2, 24, 40), "pooled": torch.randn(2, 24)}
    noisy, timesteps = torch.randn(2, 4, 8, 8), torch.tensor([10, 900])
    ours = sdxl.predict(denoiser, noisy, timesteps, text, torch.tensor([[32, 32], [32, 32]]))
    pipeline = sdxl.load_pipeline(model, torch.device("cpu"))
    ids = pipeline._get_add_time_ids((32, 32), (0, 0), (32, 32), torch.float32, 24).expand(2, 6)
    added = {"text_embeds": text["pooled"], "time_ids": ids}
    theirs = pipeline.unet(noisy, timesteps, encoder_hidden_states=text["embeddings"], added_cond_kwargs=added).sample
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_kohya_names_carry_alpha() -> None:
    up, down = torch.ones(8, 4), torch.ones(4, 8)
    name = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0"
    renamed = sdxl.comfyui_names({f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}, 2.0)
    base = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0"
    assert set(renamed) == {f"{base}.lora_down.weight", f"{base}.lora_up.weight", f"{base}.alpha"}
    assert float(renamed[f"{base}.alpha"]) == 2.0
    with pytest.raises(ValueError, match=r"vae\.x"):
        sdxl.comfyui_names({"vae.x.lora_A.weight": up}, 1.0)
