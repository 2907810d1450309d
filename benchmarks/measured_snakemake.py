"""Snakemake run and measured: wall time, CPU time of its own and of its jobs, memory of all processes, jobs."""

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

# Snakemake's own CPU seconds (user and system time of its process, its threads included, its children not) and those
# of its jobs, which unlike the wall time depend little on what else runs on the machine.
OWN_CPU = """
import atexit, os, resource, sys
def tell():
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    open(os.environ["OWN_CPU"], "w").write(" ".join(str(used.ru_utime + used.ru_stime) for used in both))
atexit.register(tell)
from snakemake.cli import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Measurement:
    """One run: seconds of wall, own CPU and the jobs' CPU, largest memory of all processes in MB, jobs by rule."""

    wall: float
    own: float
    work: float
    memory: float
    jobs: Counter[str]


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    """Keep the largest sum of the resident memory of a process and all its descendants, in MB."""
    while process.poll() is None:
        total = 0
        try:
            top = psutil.Process(process.pid)
            for one in (top, *top.children(recursive=True)):
                total += one.memory_info().rss
        except psutil.Error:
            pass
        peak[0] = max(peak[0], total / 1e6)
        time.sleep(0.5)


def snakemake(folder: Path, *arguments: str) -> Measurement:
    """Run Snakemake on two cores in a folder and measure it. RuntimeError where it fails."""
    report = folder / "own-cpu.txt"
    command = [sys.executable, "-c", OWN_CPU, "--cores", "2", "--directory", str(folder), *arguments]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    log = folder / "snakemake.log"
    started, peak = time.monotonic(), [0.0]
    with log.open("w", encoding="utf-8") as output:
        environment = os.environ | {"PATH": path, "OWN_CPU": str(report), "OMP_WAIT_POLICY": "PASSIVE"}
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, text=True)
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        code = process.wait()
        watcher.join()
    text = log.read_text(encoding="utf-8")
    if code != 0:
        raise RuntimeError(f"snakemake ended with {code}:\n{text[-3000:]}")
    names = re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):$", text, flags=re.MULTILINE)
    own, work = map(float, report.read_text().split())
    return Measurement(time.monotonic() - started, own, work, peak[0], Counter(names))
