"""Base models of the Hub: their tokenizers come first and tell what is wrong with them, their weights when needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import ROOT, Checkout, jobs
from hub_server import COMMIT, MODEL, Hub

from darkroom.models.lock import read_lock

MINI = ("--configfile", "config/mini.yaml")
MODELS = "results/mini/models"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The quickstart's SDXL as a model of a Hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with Hub(ROOT / "resources" / "pocket" / "sdxl").serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


def use_hub(folder: Path, *targets: str) -> str:
    """Targets like pocket-mini with the model of the Hub; the argument that takes them in place of the others."""
    text = (folder / "config" / "targets" / "pocket-mini.yaml").read_text()
    assert "resources/pocket/sdxl" in text
    for target in targets:
        (folder / f"{target}.yaml").write_text(text.replace("resources/pocket/sdxl", MODEL))
    return f"targets=[{', '.join(f'{target}.yaml' for target in targets)}]"


def test_targets_of_one_model_fetch_it_side_by_side(
    checkout: Checkout, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = use_hub(checkout.folder, "one", "other")
    locks = [f"{MODELS}/{target}.json" for target in ("one", "other")]
    done = checkout.snakemake(*MINI, "--config", targets, "--", *locks)
    assert jobs(done) == {"fetch_model": 2, "fetch_base_model": 2}
    monkeypatch.chdir(checkout.folder)
    one, other = (read_lock(Path(lock)) for lock in locks)
    tokenizers = read_lock(Path(MODELS) / "one.tokenizers.json")
    assert one == other and one.revision == COMMIT and tokenizers.files.items() < one.files.items()
    assert (checkout.folder / "resources" / "pins" / "owner--name@main.json").exists()


def test_a_model_that_the_hub_refuses_is_told_before_photos_are_worked_on(checkout: Checkout, hub: Hub) -> None:
    hub.refuse = 403
    targets = use_hub(checkout.folder, "gated")
    done = checkout.snakemake(*MINI, "--cores", "1", "--config", targets, check=False)
    assert done.returncode == 1
    assert set(jobs(done)) == {"fetch_model"}
    log = (checkout.folder / "logs" / "mini" / "fetch_model" / "gated.tokenizers.log").read_text()
    assert "owner/name@main: the Hub says: " in log and "check the id and your token" in log
