"""How sharp others take photos to be: scores by file name as JSON.

python benchmarks/quality_peers.py cleanvision FOLDER SCORES.json

`make peers` installs cleanvision.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from peer_process import answer
from PIL import Image

SIDE = 1024

Scores = Mapping[str, float]


def cleanvision_scores(folder: Path) -> Scores:
    """Its blur score, from 0 (blurry) to 1."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"blurry": {}}, n_jobs=1, verbose=False)
    return {Path(str(path)).name: float(score) for path, score in lab.issues["blurry_score"].items()}


def laplacian_scores(folder: Path) -> Scores:
    """The variance of the Laplacian of the whole photo at 1024 pixels."""
    scores = {}
    for path in sorted(folder.iterdir()):
        picture = Image.open(path).convert("L")
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        scores[path.name] = float(cv2.Laplacian(np.asarray(picture, np.float32), cv2.CV_32F).var())
    return scores


PEERS: Mapping[str, Callable[[Path], Scores]] = {
    "laplacian": laplacian_scores,
    "cleanvision": cleanvision_scores,
}


if __name__ == "__main__":
    answer("How sharp others take photos to be.", PEERS)
