"""provenance.json as it is read: typed, checked, and with no path in it that leads out of a folder."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from darkroom.config.base import Settings
from darkroom.config.loading import check
from darkroom.config.project import NAME
from darkroom.errors import UserError, one_line
from darkroom.publishing.provenance import FORMAT
from darkroom.storage.files import read_json


def _inside(path: str) -> str:
    """A relative path that stays where it is put: a record may come from anybody."""
    if not path or "\\" in path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("it must be a relative path without '..'")
    return path


Name = Annotated[str, Field(pattern=NAME)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Photo = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
RelativePath = Annotated[str, AfterValidator(_inside)]


class ChoiceRecord(Settings):
    """The checkpoint and strength that evaluation chose."""

    step: int
    strength: float
    reason: str


class PhotoRecord(Settings):
    """A photo of the dataset."""

    sha256: Sha256
    split: Literal["train", "held_out"]


class OverrideRecord(Settings):
    """What the user decided about a photo."""

    keep: bool | None
    box: tuple[float, float, float, float] | None
    caption: str | None


class DatasetRecord(Settings):
    """The dataset by hashes, and what the user said of its photos."""

    manifest_sha256: Sha256
    photos: list[PhotoRecord] = Field(min_length=1)
    photos_not_used: list[Sha256]
    frames: dict[str, dict[str, str]]
    sidecars: dict[Photo, str]
    overrides: dict[Photo, OverrideRecord]

    @property
    def all_photos(self) -> list[str]:
        """The sha256 of every photo that has a say in the dataset, those of the dataset first."""
        return [photo.sha256 for photo in self.photos] + self.photos_not_used


class ModelRecord(Settings):
    """A model: where it came from and the sha256 of each of its files."""

    source: RelativePath
    revision: str
    files: dict[RelativePath, Sha256] = Field(min_length=1)

    @property
    def one_file(self) -> bool:
        """Whether the source is a file and not a folder."""
        return list(self.files) == [PurePosixPath(self.source).name]


class SettingsRecord(Settings):
    """The config and the target with every default spelt out, and the training settings that they give."""

    config: dict[str, Any]
    target: dict[str, Any]
    training: dict[str, Any]


class Record(Settings):
    """All that is known of how a LoRA was made."""

    format: Literal[2]
    project: Name
    target: Name
    run: Name
    choice: ChoiceRecord
    files: dict[Name, Sha256] = Field(min_length=1)
    dataset: DatasetRecord
    models: dict[Name, ModelRecord]
    settings: SettingsRecord
    code: dict[str, str | None]
    packages: dict[str, str]
    machine: dict[str, str | None]


def read_record(path: Path) -> Record:
    """Read provenance.json. Raises UserError, one line, where it is missing, none, or of another Darkroom."""
    try:
        content = read_json(path)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; give the provenance.json of a LoRA") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: it cannot be read as JSON ({one_line(error, 200)})") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise UserError(f"{path}: its format is {found}, this Darkroom reads {FORMAT}; use the one that wrote it")
    record: Record = check(Record, content, str(path))
    if record.target not in record.models or record.run not in record.settings.config.get("runs", {}):
        raise UserError(f"{path}: it does not hold the model of its target or the run {record.run!r}; it was changed")
    return record
