"""A process is known for what it is, and never taken for another."""

import os
import subprocess

from jobs_and_sleepers import name_of

from darkroom.storage.process_identity import is_alive, this_process


def test_a_process_is_known_by_its_place_number_and_beginning(sleeper: subprocess.Popen[bytes]) -> None:
    assert is_alive(this_process()) is True
    name = name_of(sleeper)
    assert is_alive(name) is True
    place, number, began = name.split("-")
    assert is_alive(f"{place}-{number}-{int(began) - 1}") is False
    assert is_alive(f"00000000-{number}-{began}") is None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(name) is False
