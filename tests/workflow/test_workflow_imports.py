"""What the jobs of a walk load: each its own libraries, bitsandbytes none of them, and without work no torch."""

import re
import shlex
import subprocess

import pytest
from checkout import Checkout

MINI = ("--configfile", "config/mini.yaml")
LIBRARIES = {"torch", "accelerate", "bitsandbytes", "diffusers", "open_clip", "peft", "transformers"}
# What the job of each script cannot do without.
NEEDED = {
    "audit_captions": {"transformers"},
    "caption_photos": {"torch", "transformers"},
    "encode_dataset": {"torch", "transformers", "diffusers"},
    "publish_lora": {"torch"},
    "render_prior": {"torch", "transformers", "diffusers"},
    "render_samples": {"torch", "transformers", "diffusers", "peft"},
    "rewrite_captions": {"transformers"},
    "score_checkpoints": {"torch", "open_clip", "diffusers", "peft"},
    "train_lora": {"torch", "accelerate", "diffusers", "peft"},
}
# Stages whose results may all be remembered; what of them does not lie behind another is planned together.
REMEMBERED = (("caption_photos", "mask_subjects"), ("encode_dataset", "render_prior", "render_samples"))


@pytest.mark.parametrize("script", NEEDED)
def test_a_job_loads_its_libraries_and_no_bitsandbytes(finished_mini: Checkout, script: str) -> None:
    loaded = finished_mini.loaded(script)
    assert loaded >= NEEDED[script]
    assert "bitsandbytes" not in loaded
    assert ("torch" in loaded) == ("torch" in NEEDED[script])


def test_other_jobs_load_none_of_the_large_libraries(finished_mini: Checkout) -> None:
    others = {path.name.rpartition("-")[0] for path in finished_mini.imported.iterdir()} - set(NEEDED)
    assert {"mask_subjects", "score_quality", "select_photos", "draw_grid", "snakemake"} <= others
    assert {script for script in others if LIBRARIES & finished_mini.loaded(script)} == set()


def test_a_job_that_finds_all_results_remembered_loads_none_either(mini: Checkout) -> None:
    for scripts in REMEMBERED:
        planned = mini.snakemake("--dry-run", "--printshellcmds", *MINI, "--forcerun", *scripts).stdout
        for script in scripts:
            commands = re.findall(rf"python scripts/{script}\.py .*(?= > logs)", planned)
            assert commands
            for command in commands:
                told = subprocess.check_output(shlex.split(command), cwd=mini.folder, env=mini.noting_environment())
                assert b"computed 0" in told
            assert LIBRARIES & mini.loaded(script) == set()
