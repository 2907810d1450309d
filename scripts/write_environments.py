"""Pin in envs/*.yaml all that their packages need, as requirements.lock does, so that conda users get the same."""

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from darkroom.errors import UserError
from darkroom.jobs.command import run_command, stage_parser
from darkroom.storage.files import write_text

CHECKOUT = Path(__file__).absolute().parents[1]
MARK = "      # What these need, written by `make environments`:\n"
PIN = re.compile(r"^ {6}- ([A-Za-z0-9_.-]+)==", flags=re.MULTILINE)
FOR_OTHER_PYTHONS = "python_full_version >= '3.12'"  # the environments say `python =3.11`


def locked(lock: Path) -> dict[str, str]:
    """The lines of the lock by the name of their package, without hashes: `numpy==2.4.6 ; MARKER`."""
    lines = (line.removesuffix("\\").strip() for line in lock.read_text(encoding="utf-8").splitlines())
    pins = [line for line in lines if re.match(r"[A-Za-z0-9]", line) and not line.endswith(FOR_OTHER_PYTHONS)]
    return {canonicalize_name(pin.partition("==")[0]): pin for pin in pins}


def needed(names: Iterable[str]) -> set[str]:
    """The packages that these need on this platform, directly or not, themselves left out, as installed here.

    Raises UserError where one is not installed.
    """
    tops = {canonicalize_name(name) for name in names}
    pending = [(name, "") for name in tops]
    seen = set(pending)
    while pending:
        name, extra = pending.pop()
        try:
            texts = requires(name) or []
        except PackageNotFoundError:
            raise UserError(f"{name}: it is not installed here; run `make setup` first") from None
        for requirement in map(Requirement, texts):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                wanted = canonicalize_name(requirement.name)
                for pair in [(wanted, ""), *((wanted, other) for other in requirement.extras)]:
                    if pair not in seen:
                        seen.add(pair)
                        pending.append(pair)
    return {str(name) for name, _ in seen if name not in tops}


def environment(text: str, pins: dict[str, str]) -> str:
    """An environment file with the versions of the lock, and with all that its own packages need after the mark."""
    own = text.partition(MARK)[0]
    names = PIN.findall(own)
    for name in names:
        own = re.sub(rf"^( {{6}}- ){re.escape(name)}==.*$", rf"\g<1>{pins[canonicalize_name(name)]}", own, flags=re.M)
    return own + MARK + "".join(f"      - {pins[name]}\n" for name in sorted(needed(names)))


def main() -> None:
    stage_parser(__doc__).parse_args()
    pins = locked(CHECKOUT / "requirements.lock")
    files = sorted((CHECKOUT / "envs").glob("*.yaml"))
    for path in files:
        write_text(path, environment(path.read_text(encoding="utf-8"), pins))
    print(f"write_environments: files {len(files)}/{len(files)}")


if __name__ == "__main__":
    run_command(main)
