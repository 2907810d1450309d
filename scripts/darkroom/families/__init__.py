"""Model families: one file each, with everything that differs between them and nothing else."""

import importlib
from types import ModuleType


def family(name: str) -> ModuleType:
    """The module of a model family, such as `sdxl`. All families have the same functions."""
    return importlib.import_module(f"darkroom.families.{name}")
