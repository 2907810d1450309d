"""How like the subject each picture is, and how well it shows what its prompt says, by CLIP."""

from collections.abc import Mapping, Sequence

import numpy as np

from darkroom.contracts.evaluation_tables import SampleScore
from darkroom.contracts.rendered_tables import RenderedSample

Vectors = Mapping[str, Sequence[float]]


def score_pictures(
    samples: Sequence[RenderedSample], pictures: Vectors, texts: Vectors, photos: Sequence[Sequence[float]]
) -> list[SampleScore]:
    """The scores of each sample.

    `pictures` holds unit vectors by sha256, `texts` by plain prompt, `photos` those of photos of the subject. Prompt
    following is the cosine of picture and prompt. Likeness is the cosine of picture and photos, both seen from the
    middle of what the base model draws: pictures of one world lie in a narrow cone, in which even those without the
    subject are close to its photos (Ethayarajh 2019, arXiv 1909.00512, on such cones).
    """
    middle = np.mean([pictures[sample.sha256] for sample in samples if sample.step == 0], axis=0)
    vectors = np.array([pictures[sample.sha256] for sample in samples])
    alike = likeness(vectors, np.asarray(photos), middle)
    followed = (vectors * np.array([texts[sample.plain_prompt] for sample in samples])).sum(-1)
    return [
        SampleScore(
            step=sample.step,
            strength=sample.strength,
            number=sample.number,
            seed=sample.seed,
            control=sample.control,
            likeness=float(alike[index]),
            prompt_following=float(followed[index]),
        )
        for index, sample in enumerate(samples)
    ]


def likeness(vectors: np.ndarray, photos: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Cosines (N,) of vectors (N, D) and the mean of photos (M, D), both seen from `middle` (D,); -1 to 1."""
    return _unit(vectors - middle) @ _unit(photos.mean(0) - middle)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
