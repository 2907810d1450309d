"""What is particular to FLUX.1, against its own pipeline and scheduler."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from transformers import T5Tokenizer

from darkroom.errors import UserError
from darkroom.families import flux

CPU = torch.device("cpu")
Tiny = Callable[[str], Path]


def test_latents_are_packed_as_the_pipeline_packs() -> None:
    latents = torch.randn(2, 16, 8, 12)
    patches = FluxPipeline._pack_latents(latents, 2, 16, 8, 12)
    assert torch.equal(flux.pack(latents), patches)
    assert torch.equal(flux.unpack(patches, 8, 12), latents)
    assert torch.equal(flux.unpack(patches, 8, 12), FluxPipeline._unpack_latents(patches, 64, 96, 8))
    positions = FluxPipeline._prepare_latent_image_ids(2, 4, 6, CPU, torch.float32)
    assert torch.equal(flux.patch_positions(8, 12), positions)


@pytest.mark.parametrize("name", ["flux-dev", "flux-schnell"])
def test_denoiser_answers_as_in_the_pipeline(name: str, tiny: Tiny) -> None:
    """In training dev is conditioned on guidance 1; schnell on none."""
    pipeline = flux.load_pipeline(tiny(name), CPU)
    text = flux.encode_text(flux.load_text_encoders(tiny(name), CPU), "a red toy")
    noisy, heard = torch.randn(1, 4, 8, 12), {}

    def hear(module: torch.nn.Module, arguments: tuple[object, ...], options: dict[str, object]) -> None:
        heard.update(options)

    hook = pipeline.transformer.register_forward_pre_hook(hear, with_kwargs=True)
    stop = {"num_inference_steps": 1, "guidance_scale": 1.0, "output_type": "latent", "height": 32, "width": 48}
    moved = pipeline("a red toy", latents=flux.pack(noisy), **stop).images
    hook.remove()
    timesteps = torch.tensor([1000.0 * float(heard["timestep"][0])])  # type: ignore[index]
    stacked = {part: tensor[None] for part, tensor in text.items()}
    with torch.no_grad():
        ours = flux.predict(pipeline.transformer, noisy, timesteps, stacked, torch.tensor([[32, 48]]))
    # One Euler step from the level 1 to 0.
    torch.testing.assert_close(flux.unpack(moved, 8, 12), noisy - ours, atol=1e-5, rtol=0)
    assert (heard["guidance"] is None) == (name == "flux-schnell")


def test_a_perfect_answer_follows_the_path_of_the_scheduler() -> None:
    """At every level of a rendering, the noisy latents are those of training."""
    noise_scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    noise_scheduler.set_timesteps(5, mu=0.8)
    latents, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    now = noise
    for place, timestep in enumerate(noise_scheduler.timesteps):
        trained = flux.add_noise(noise_scheduler, latents, noise, timestep[None])
        torch.testing.assert_close(now, trained, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(trained, noise_scheduler.scale_noise(latents, timestep[None], noise))
        assert float(noise_scheduler.sigmas[place]) == pytest.approx(float(timestep) / 1000)
        now = noise_scheduler.step(
            flux.target(noise_scheduler, latents, noise, timestep[None]), timestep, now
        ).prev_sample
    torch.testing.assert_close(now, latents, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 128), (96, 152)])
def test_the_shift_is_the_scheduler_s(height: int, width: int) -> None:
    noise_scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15)
    u = torch.tensor([0.1, 0.5, 0.9])
    mu = calculate_shift(height * width // 4)
    expected = noise_scheduler.time_shift(mu, 1.0, u)
    torch.testing.assert_close(flux.shifted(noise_scheduler, u, height, width), expected)
    assert flux.shift_factor(FlowMatchEulerDiscreteScheduler(), height, width) == 1.0


def test_t5_reads_512_tokens_for_dev_and_256_for_schnell(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = T5Tokenizer.from_pretrained(str(tiny("flux-dev") / "tokenizer_2"))
    tokenizer.model_max_length = 2**30
    for name, limit in (("flux-dev", 512), ("flux-schnell", 256)):
        model = tmp_path / name
        (model / "transformer").mkdir(parents=True)
        (model / "transformer" / "config.json").write_bytes((tiny(name) / "transformer" / "config.json").read_bytes())
        tokenizer.save_pretrained(model / "tokenizer_2")
        tokenizers = flux.load_tokenizers(model)
        assert flux.token_limit(tokenizers) == limit
        assert flux.count_tokens(tokenizers, "") == 1


def test_frames_that_cannot_be_cut_into_patches_are_one_line(tiny: Tiny) -> None:
    vae = flux.load_vae(tiny("flux-dev"), CPU)
    with pytest.raises(UserError, match=r"crop\.bucket_step: .* multiples of 8, not 36 x 32"):
        flux.encode_picture(vae, torch.zeros(3, 32, 36))
