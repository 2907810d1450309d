"""A folder of photos among every kind of odd and bad file goes through Snakemake as any other."""

import shutil

import pytest
from conftest import Checkout
from odd_files import make_odd_files

from darkroom.tables import read_table


@pytest.mark.slow
def test_odd_and_bad_files_stop_no_run(checkout: Checkout) -> None:
    folder = checkout.folder
    expected = make_odd_files(folder / "photos", folder / "outside")
    good = sorted((folder / "resources" / "toybox" / "photos" / "garden").glob("*.jpg"))
    for path in good:
        shutil.copyfile(path, folder / "photos" / path.name)
    arguments = ["--configfile", "config/mini.yaml", "--config", "photos=photos", "shards=3"]
    checkout.snakemake("results/mini/selection.csv", *arguments)
    rows = {row["path"]: row for row in read_table(folder / "results" / "mini" / "photos.csv")}
    assert set(rows) == set(expected) | {path.name for path in good}
    for path, wanted in expected.items():
        assert rows[path]["status"] == wanted.status, rows[path]
        if wanted.picture is not None:
            assert (int(rows[path]["width"]), int(rows[path]["height"])) == wanted.picture.size
    selection = read_table(folder / "results" / "mini" / "selection.csv")
    assert {row["photo"] for row in selection} == {row["photo"] for row in rows.values() if row["status"] == "ok"}
    selected = {row["photo"] for row in selection if row["selected"] == "true"}
    assert len(selected & {rows[path.name]["photo"] for path in good}) >= 10
    again = checkout.snakemake("results/mini/selection.csv", *arguments, "-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    assert not list(folder.rglob("pwned"))
