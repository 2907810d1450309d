"""The shipped models load as a user would load them, and do what their cards say on a handful of renders."""

from pathlib import Path

import pytest
import torch

from darkroom.models.clip import load_clip
from darkroom.pocket.autoencoder_scores import score_hues, score_round_trips
from darkroom.pocket.clip_scores import score_likeness, score_retrieval
from darkroom.pocket.scoring import describe, draw_samples, load_captioner, score_captioner
from darkroom.pocket.world import COLOURS, parse_caption

MODELS = Path(__file__).resolve().parents[3] / "resources" / "pocket"


@pytest.fixture(scope="module")
def captioner():
    if not (MODELS / "florence2").exists():
        pytest.skip("resources/pocket/florence2 is absent: make pocket")
    return load_captioner(str(MODELS / "florence2"))


@pytest.fixture(scope="module")
def pipeline():
    if not (MODELS / "sdxl").exists():
        pytest.skip("resources/pocket/sdxl is absent: make pocket")
    from diffusers import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline.from_pretrained(str(MODELS / "sdxl"))


def test_models_are_small_safe_and_carry_cards():
    files = [path for path in MODELS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 20_000_000
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".md"}
    for model in ("florence2", "sdxl", "clip"):
        card = (MODELS / model / "README.md").read_text()
        assert "apache-2.0" in card and "How it was made" in card and "Not measured" not in card


def test_the_captioner_describes_and_finds(captioner):
    assert captioner[0].dtype == torch.float32
    scores = score_captioner(captioner, 30)
    assert scores["mean"] > 0.85
    assert scores["overlap"].value > 0.6


def test_captions_do_not_depend_on_the_batch(captioner):
    from darkroom.pocket.scoring import rendered
    from darkroom.pocket.world import SPLITS, sample_scene

    pictures, _ = rendered([sample_scene(SPLITS["test"] + i) for i in range(4)])
    together = describe(captioner, pictures, "<CAPTION>")
    assert together == [describe(captioner, [picture], "<CAPTION>")[0] for picture in pictures]


def test_sdxl_is_an_sdxl_in_float32(pipeline):
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2):
        assert part.dtype == torch.float32
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.scheduler.config.rescale_betas_zero_snr
    assert pipeline.tokenizer.model_max_length == pipeline.tokenizer_2.model_max_length == 48


def test_the_autoencoder_shows_what_it_is_given(pipeline):
    scores = score_round_trips(pipeline.vae, 12)
    assert scores["world"].value > 29 and scores["subject"].value > 27


def test_every_hue_survives(pipeline):
    assert max(score_hues(pipeline.vae, 10).values()) < 15


def test_clip_tells_captions_and_the_subject_apart():
    clip = load_clip(MODELS / "clip", torch.device("cpu"))
    assert score_retrieval(clip, 1).share > 0.7
    scores = score_likeness(clip, 20)
    assert scores["subject"].value > scores["other toys"].value + 0.3


def test_samples_follow_colour_and_floor(pipeline, captioner):
    """Few samples, so a low bar: chance is one in nine and one in four."""
    prompts = [f"a {colour} ball on {floor}" for colour in COLOURS[:4] for floor in ("grass", "wood")]
    told = [
        parse_caption(text) for text in describe(captioner, draw_samples(pipeline, prompts, 15), "<DETAILED_CAPTION>")
    ]
    wanted = [parse_caption(prompt) for prompt in prompts]
    for key in ("colour", "floor"):
        assert sum(a.get(key) == b[key] for a, b in zip(told, wanted, strict=True)) >= 4
