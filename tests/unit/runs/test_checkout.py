"""Files of the checkout as rules name them."""

from pathlib import Path

import pytest

from darkroom.runs.checkout import Checkout

ROOT = Path(__file__).parents[3]


def test_paths_are_relative_in_the_checkout_and_absolute_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = Checkout(ROOT)
    monkeypatch.chdir(ROOT)
    assert checkout.script("train_lora") == "scripts/train_lora.py"
    assert checkout.relative(ROOT / "requirements.lock") == "requirements.lock"
    monkeypatch.chdir(tmp_path)
    assert checkout.script("train_lora") == str(ROOT / "scripts" / "train_lora.py")
    assert all(Path(path).is_file() for path in checkout.code("train_lora", "flux"))


def test_a_family_brings_its_own_code_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code = {name: set(Checkout(ROOT).code("encode_dataset", name)) for name in ("sdxl", "flux")}
    plain = set(Checkout(ROOT).code("encode_dataset"))
    families = "scripts/darkroom/families"
    assert code["sdxl"] - plain >= {f"{families}/sdxl.py"} and f"{families}/flux.py" not in code["sdxl"]
    assert code["flux"] - plain >= {f"{families}/flux.py"} and f"{families}/sdxl.py" not in code["flux"]
