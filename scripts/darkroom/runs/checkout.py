"""The folder that holds Darkroom's code, and its files as rules name them."""

from dataclasses import dataclass
from pathlib import Path

from darkroom.storage.code_version import stage_code


@dataclass(frozen=True)
class Checkout:
    """Darkroom's folder: scripts/, workflow/, resources/."""

    folder: Path

    def relative(self, path: Path | str) -> str:
        """A path inside the checkout as rules write it: relative where that is the working directory, else absolute."""
        inside = self.folder / path
        here = self.folder.resolve() == Path.cwd().resolve()
        return str(inside.relative_to(self.folder)) if here else str(inside)

    def script(self, name: str) -> str:
        """The script of a rule."""
        return self.relative(f"scripts/{name}.py")

    def code(self, name: str, family: str | None = None) -> list[str]:
        """The library files that a rule's script is made of, those of a model family included where it has one."""
        scripts = self.folder / "scripts"
        files = set(stage_code(scripts / f"{name}.py", scripts))
        if family is not None:
            source = scripts / "darkroom" / "families" / f"{family}.py"
            files |= {source, *stage_code(source, scripts)}
        return [self.relative(path) for path in sorted(files)]
