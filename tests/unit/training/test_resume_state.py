"""The state of an unfinished training: written whole, and begun anew where a crash has damaged it."""

from pathlib import Path

import pytest
import torch

from darkroom.storage.files import replacing
from darkroom.training.resume_state import checkpoints_of, load_state, save_state

CPU = torch.device("cpu")


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    assert load_state(tmp_path / "state.pt", CPU) is None
    save_state(tmp_path / "state.pt", {"step": 3, "adapter": {"a": torch.ones(2)}})
    state = load_state(tmp_path / "state.pt", CPU)
    assert state is not None
    assert state["step"] == 3
    assert state["adapter"]["a"].tolist() == [1.0, 1.0]
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_damaged_state_is_none(tmp_path: Path, kept: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "state.pt"
    save_state(path, {"step": 3, "adapter": {"a": torch.ones(1000)}})
    path.write_bytes(path.read_bytes()[:kept])
    assert load_state(path, CPU) is None
    assert "is damaged; training from the first step" in capsys.readouterr().err


def test_a_half_written_checkpoint_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    with replacing(folder / "step-000004.safetensors") as temporary:
        temporary.write_bytes(b"half")
        assert temporary in folder.glob("*.safetensors")
        assert checkpoints_of(tmp_path) == []
    assert checkpoints_of(tmp_path) == [folder / "step-000004.safetensors"]
