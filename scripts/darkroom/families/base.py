"""The families by name, and the code of each."""

import importlib
from types import ModuleType

from darkroom.errors import UserError

FAMILIES = ("flux", "sd15", "sdxl")


def family(name: str) -> ModuleType:
    """The module of a model family, such as `sdxl`. UserError where there is none of this name."""
    if name not in FAMILIES:
        raise UserError(f"family: there is no {name!r}; known families: {', '.join(FAMILIES)}")
    return importlib.import_module(f"darkroom.families.{name}")


def code_modules(module: ModuleType) -> list[ModuleType]:
    """A family and the modules it shares with others, directly or not: for `code_version`."""
    found = {module.__name__: module}
    pending = [module]
    while pending:
        for each in vars(pending.pop()).values():
            shared = isinstance(each, ModuleType) and each.__name__.startswith(f"{__package__}.")
            if shared and each.__name__ not in found:
                found[each.__name__] = each
                pending.append(each)
    return [found[name] for name in sorted(found)]
