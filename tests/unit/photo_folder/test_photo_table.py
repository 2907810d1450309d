"""photos.csv: the files of the photos folder, and the photos among them."""

from dataclasses import replace
from pathlib import Path

import pytest
from table_rows import photo_file

from darkroom.errors import UserError
from darkroom.photo_folder.photo_table import PhotoFile, read_photos, readable_photos
from darkroom.storage.tables import columns_of, write_rows

PHOTO = photo_file("1a", path="x, y/a.jpg", taken_at="2024-05-01T10:00:00", jpeg_quality=90, bytes=12345)
COPY = replace(PHOTO, path="z.jpg", status="identical", of_path=PHOTO.path, reason="the same bytes as x, y/a.jpg")
BROKEN = PhotoFile("broken.jpg", "2b", "2b", "unreadable", "damaged picture")
SIDECAR = PhotoFile("x, y/a.txt", "3c", "3c", "sidecar", of_path=PHOTO.path)


def test_copies_and_what_is_no_photo_are_left_out(tmp_path: Path) -> None:
    write_rows(tmp_path / "photos.csv", PhotoFile, [SIDECAR, COPY, BROKEN, PHOTO])
    files = read_photos(tmp_path / "photos.csv")
    assert sorted(files, key=lambda file: file.path) == [BROKEN, PHOTO, SIDECAR, COPY]
    assert readable_photos(files) == {"1a": PHOTO}
    assert PHOTO.size == COPY.size == (400, 300)
    with pytest.raises(ValueError, match=r"broken\.jpg was not opened: damaged picture"):
        BROKEN.size  # noqa: B018


@pytest.mark.parametrize("column", columns_of(PhotoFile))
def test_no_column_may_be_missing(tmp_path: Path, column: str) -> None:
    """Without its times and qualities other photos would be taken for copies, and other copies be kept."""
    write_rows(tmp_path / "photos.csv", PhotoFile, [PHOTO])
    text = (tmp_path / "photos.csv").read_text()
    (tmp_path / "photos.csv").write_text(text.replace(column, f"no_{column}", 1))
    with pytest.raises(UserError, match=f"photos.csv: it has no column {column}; delete this file"):
        read_photos(tmp_path / "photos.csv")


@pytest.mark.parametrize("changes", [{"width": None}, {"height": None}, {"sha256": ""}])
def test_a_photo_has_a_size(changes: dict[str, None]) -> None:
    with pytest.raises(ValueError, match="has no sha256 or size"):
        replace(PHOTO, **changes)
