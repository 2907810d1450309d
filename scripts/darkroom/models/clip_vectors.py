"""CLIP's vectors of pictures and texts, remembered."""

import functools
from collections.abc import Callable, Iterator, Mapping

from PIL import Image

from darkroom.jobs import device as devices
from darkroom.jobs.device import prepare_device
from darkroom.jobs.progress import progress
from darkroom.models import clip as clip_model
from darkroom.models.lock import LockedModel
from darkroom.storage.cache import Cache, cache_key, cached
from darkroom.storage.code_version import code_version

# What decides a vector: for `code_version`.
MODULES = (clip_model, devices)
Vectors = dict[str, list[float]]


class ClipVectors:
    """Unit vectors by one locked model, from the cache where they are; else the model is loaded once.

    `computed` counts those that were not there. `key` is that of the config that names the model, for errors.
    """

    def __init__(self, model: LockedModel, device: str, threads: int, cache: Cache, key: str) -> None:
        self.cache = cache
        self.computed = 0
        self._clip = functools.cache(lambda: clip_model.load_clip(model.path, prepare_device(device, threads), key))
        self._key = {"model": model.digest, "device": device, "threads": threads, "code": code_version(*MODULES)}

    def of_pictures(self, load: Mapping[str, Callable[[], Image.Image]]) -> Vectors:
        """The vectors of RGB pictures by name; a name is a hash that decides the picture."""

        def see(missing: list[str]) -> Iterator[tuple[str, list[float]]]:
            for name in progress(missing, "see", "pictures"):
                yield name, clip_model.embed_picture(self._clip(), load[name]())

        return self._cached({name: cache_key(**self._key, picture=name) for name in load}, see)

    def of_texts(self, texts: Mapping[str, str]) -> Vectors:
        """The vectors of texts by name."""

        def read(missing: list[str]) -> Iterator[tuple[str, list[float]]]:
            for name in missing:
                yield name, clip_model.embed_text(self._clip(), texts[name])

        return self._cached({name: cache_key(**self._key, text=text) for name, text in texts.items()}, read)

    def _cached(
        self, keys: Mapping[str, str], compute: Callable[[list[str]], Iterator[tuple[str, list[float]]]]
    ) -> Vectors:
        vectors, computed = cached(self.cache, keys, compute)
        self.computed += computed
        return vectors
