"""What killed writers have left goes once they have ended."""

import os
import subprocess
from pathlib import Path

from jobs_and_sleepers import name_of

from darkroom.runs.leftovers import clear_temporary_files
from darkroom.storage.process_identity import this_process


def test_temporary_files_go_once_their_writers_have_ended(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    gone = name_of(sleeper)
    sleeper.kill()
    sleeper.wait()
    for process in (gone, this_process(), "00000000-1-1"):
        (tmp_path / f".masks.csv.{process}-abcd_123.csv").write_bytes(b"half")
    (tmp_path / ".hidden.csv").write_bytes(b"a user's")
    assert clear_temporary_files(tmp_path, alone=False) == 1
    os.utime(tmp_path / ".masks.csv.00000000-1-1-abcd_123.csv", (0, 0))
    assert clear_temporary_files(tmp_path, alone=False) == 1
    (tmp_path / ".masks.csv.00000000-1-1-abcd_123.csv").write_bytes(b"half")
    assert clear_temporary_files(tmp_path, alone=True) == 1
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".hidden.csv", f".masks.csv.{this_process()}-abcd_123.csv"}
