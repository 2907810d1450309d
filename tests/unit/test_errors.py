"""Troubles of the machine in words."""

import pytest

from darkroom.errors import UserError, lacks_memory, user_error


def test_a_loader_that_lacks_memory_or_disk_does_not_call_the_model_broken() -> None:
    for cause in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")):
        try:
            try:
                raise cause
            except (MemoryError, RuntimeError):
                raise UserError("model: it does not load") from None
        except UserError as error:
            assert "memory did not suffice" in str(user_error(error))
    assert str(user_error(UserError("a: wrong"))) == "a: wrong"
    assert user_error(ValueError("a fault")) is None
    assert not lacks_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))


def test_what_torch_and_opencv_say_without_memory_is_understood() -> None:
    cv2, numpy, torch = (pytest.importorskip(name) for name in ("cv2", "numpy", "torch"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert lacks_memory(caught.value)
    with pytest.raises(cv2.error) as refused:
        cv2.resize(numpy.zeros((2, 2), numpy.uint8), (2**20, 2**20))
    assert lacks_memory(refused.value)
