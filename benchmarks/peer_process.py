"""Other tools, each in a process of its own, because their packages lie beside ours: what they say of a folder."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def ask_peer(script: str, peer: str, folder: Path, output: Path) -> Any:
    """What a peer says of a folder: run a script beside this one, which ends in `answer`, and read its JSON."""
    command = [sys.executable, str(Path(__file__).with_name(script)), peer, str(folder), str(output)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "TQDM_DISABLE": "1"})
    return json.loads(output.read_text())


def answer(description: str, peers: Mapping[str, Callable[[Path], Any]]) -> None:
    """Write what the peer named on the command line says of a folder as JSON; what it yields becomes a sorted list."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("peer", choices=peers)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    sys.path.append(str(ROOT / "build" / "peers"))
    arguments.output.write_text(json.dumps(peers[arguments.peer](arguments.folder), default=sorted))
