"""Families without a pocket model walk the whole way on tiny models of their true architecture."""

from pathlib import Path

import pytest
import yaml
from checkout import Checkout

from darkroom.publishing.lora_files import read_checkpoint
from darkroom.storage.tables import read_table


@pytest.mark.slow
def test_flux_and_sd15_are_trained_from_one_dataset_of_photos(mini: Checkout) -> None:
    from tiny_models import save_tiny_flux, save_tiny_sd15

    target = yaml.safe_load((mini.folder / "config" / "targets" / "pocket-mini.yaml").read_text())
    for family, save, style in (("flux", save_tiny_flux, "sentences"), ("sd15", save_tiny_sd15, "tags")):
        save(mini.folder / "tiny" / family)
        own = target | {"family": family, "model": f"tiny/{family}", "render": {"sampling_steps": 2}}
        own["captions"] = {"style": style}
        (mini.folder / f"{family}.yaml").write_text(yaml.safe_dump(own))
    mini.snakemake("--configfile", "config/mini.yaml", "--config", "targets=[flux.yaml, sd15.yaml]")
    for family, part in (("flux", "transformer"), ("sd15", "unet")):
        folder = mini.folder / "results" / "mini" / family / "main"
        assert (folder / "evaluation" / "grid.png").stat().st_size > 0
        lora = read_checkpoint(folder / "lora" / "mini.safetensors")
        assert all(name.startswith(f"{part}.") for name in lora.tensors)
    said = {family: captions(mini.folder / "results" / "mini" / family) for family in ("flux", "sd15")}
    assert said["flux"].keys() == said["sd15"].keys()
    assert all(text.endswith(".") for text in said["flux"].values()), said["flux"]
    assert all(", " in text and not text.endswith(".") for text in said["sd15"].values()), said["sd15"]


def captions(folder: Path) -> dict[str, str]:
    """What a target is trained on, by frame."""
    return {row["frame"]: row["caption"] for row in read_table(folder / "captions.csv")}
