"""Every line of the SLURM profile, commented ones too, is taken by Snakemake and by the plugin. No cluster needed."""

import re
from types import SimpleNamespace

import pytest
import yaml
from checkout import ROOT, Checkout
from snakemake_executor_plugin_slurm import ExecutorSettings
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string
from snakemake_executor_plugin_slurm.validation import validate_slurm_extra

PROFILE = ROOT / "profiles" / "slurm" / "profile.yaml"
GPU_RULES = {
    *("embed_photos", "caption_photos", "render_prior", "encode_dataset"),
    *("train_lora", "render_base", "render_samples", "score_checkpoints"),
}
# They ask for a GPU only where the config names a model for them.
SOMETIMES = {"rewrite_captions"}
# What the profile's last lines say beside "Further words for these lines".
WORDS = re.compile(r"^#   ([a-z_]+: .*?)(?:\s+#.*)?$")
KEY = re.compile(r"^( *)# ([a-z_-]+:( .*)?)$")


def uncommented() -> str:
    """The profile with every commented key in force."""
    lines = PROFILE.read_text().split("# Further words")[0].splitlines()
    rules = [f"#   {rule}:" for rule in GPU_RULES | SOMETIMES]
    return "\n".join(
        line[2:] if any(line.startswith(rule) for rule in rules) else KEY.sub(r"\1\2", line) for line in lines
    )


def further_words() -> list[dict[str, object]]:
    """The variants of a line under `set-resources` that the profile's last lines name."""
    lines = PROFILE.read_text().split("# Further words")[1].splitlines()
    return [yaml.safe_load(f"{{{found[1]}}}") for line in lines if (found := WORDS.match(line))]


def planned_resources(checkout: Checkout, profile: str) -> dict[str, list[str]]:
    """What a dry run says each rule asks for, where a profile is in force and there is a GPU."""
    folder = checkout.folder / "profiles" / "mysite"
    folder.mkdir()
    (folder / "profile.yaml").write_text(profile)
    (checkout.folder / "profiles" / "slurm" / "partitions.yaml").write_text("partitions: {gpu: {max_gpu: 1}}\n")
    arguments = ("-n", "--workflow-profile", "profiles/mysite", "--configfile", "config/mini.yaml")
    done = checkout.snakemake(
        *arguments, "--config", "compute={device: gpu}", "duplicates={embedding: resources/pocket/clip}"
    )
    found = re.findall(r"^rule (\w+):\n(?: +.*\n)*? +resources: (.*)$", done.stdout, flags=re.MULTILINE)
    return {rule: resources.split(", ") for rule, resources in found}


def submission(**resources: object) -> str:
    """The sbatch command that the plugin makes of a job's resources."""
    job = SimpleNamespace(resources=_Resources(resources), threads=2)
    validate_slurm_extra(job)
    params = {
        "run_uuid": "run",
        "slurm_logfile": "log",
        "comment_str": "",
        "account": "",
        "partition": "",
        "workdir": "",
    }
    return get_submit_command(job, params, ExecutorSettings(requeue=True)) + set_gres_string(job)


class _Resources(dict):
    """Resources as the plugin reads them: by key and by attribute."""

    __getattr__ = dict.get


def test_the_profile_as_it_is(checkout: Checkout) -> None:
    planned = planned_resources(checkout, PROFILE.read_text())
    assert {rule for rule, resources in planned.items() if "gpu=1" in resources} == GPU_RULES
    assert {"mem_mb=16000", "runtime=1440"} <= set(planned["train_lora"])
    assert not any(word.startswith("slurm_") for resources in planned.values() for word in resources)
    assert "gpu" not in yaml.safe_load(PROFILE.read_text()).get("resources", {})


def test_every_commented_key_is_taken(checkout: Checkout) -> None:
    profile = yaml.safe_load(uncommented())
    assert set(profile) >= {"slurm-status-command", "slurm-partition-config", "slurm-keep-successful-logs"}
    assert set(profile["set-resources"]) == GPU_RULES | SOMETIMES
    planned = planned_resources(checkout, uncommented())
    assert {"slurm_partition=gpu", "runtime=600", "mem_mb=32000", "gpu=1"} <= set(planned["train_lora"])
    assert {"slurm_partition=cpu", "slurm_account=your_account"} <= set(planned["survey_photos"])
    assert "slurm_extra=--mail-type=FAIL,END --mail-user=you@example.org" in planned["survey_photos"]
    assert "--mail-type=FAIL,END" in submission(**profile["default-resources"])
    assert "--requeue" in submission()


OPTIONS = {
    "gpu_model": ["--gpus=a100:1"],
    "constraint": ["-C a100", "--gpus=1"],
    "gres": ["--gres=gpu:1"],
    "cpus_per_gpu": ["--gpus=4", "--cpus-per-gpu=8"],
    "nodes": ["--nodes=2", "--gpus=8", "--ntasks=2"],
}


def test_further_words_are_taken(checkout: Checkout) -> None:
    variants = further_words()
    assert len(variants) == len(OPTIONS)
    resources = dict(zip(sorted(GPU_RULES), variants, strict=False))
    profile = yaml.safe_load(PROFILE.read_text()) | {"set-resources": resources}
    planned = planned_resources(checkout, yaml.safe_dump(profile))
    for rule, variant in resources.items():
        assert {f"{key}={value}" for key, value in variant.items()} <= set(planned[rule])


@pytest.mark.parametrize(("word", "options"), OPTIONS.items())
def test_further_words_make_these_options(word: str, options: list[str]) -> None:
    variant = next(entry for entry in further_words() if word in entry)
    command = submission(**{"gpu": 1} | variant)
    assert all(f" {option}" in command for option in options), command
    assert command.count("--gpus=") == ("gres" not in variant)


def test_the_plugin_refuses_what_has_a_resource_of_its_own() -> None:
    with pytest.raises(Exception, match="not allowed in the 'slurm_extra'"):
        submission(slurm_extra="--gres=gpu:1")
