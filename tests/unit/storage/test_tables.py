"""Tables: canonical, whole, and gathered."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from gather_shards import gather_pictures

from darkroom.errors import UserError
from darkroom.storage.tables import gather_tables, read_rows, read_rows_by_name, read_table, write_rows, write_table


def test_tables_are_canonical(tmp_path: Path) -> None:
    rows = [{"photo": "b", "score": 1 / 3, "ok": True}, {"photo": "a", "score": None, "ok": False}]
    write_table(tmp_path / "one.csv", ["photo", "score", "ok"], rows)
    write_table(tmp_path / "two.csv", ["photo", "score", "ok"], reversed(rows))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert (tmp_path / "one.csv").read_text() == "photo,score,ok\na,,false\nb,0.333333,true\n"


def test_a_row_must_fit_its_table(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row has"):
        write_table(tmp_path / "one.csv", ["photo"], [{"photo": "a", "extra": 1}])
    assert list(tmp_path.iterdir()) == []


def test_odd_names_survive_a_table(tmp_path: Path) -> None:
    name = 'a,"b"\nc é'
    write_table(tmp_path / "one.csv", ["path"], [{"path": name}])
    assert read_table(tmp_path / "one.csv") == [{"path": name}]


@dataclass(frozen=True)
class Measured:
    """A row of a table."""

    photo: str
    count: int
    score: float | None
    good: bool

    def __post_init__(self) -> None:
        if self.photo == "nobody":
            raise ValueError("nobody is no photo")


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Also where the table has a column more."""
    rows = [Measured("a", 3, 0.25, True), Measured("0123", -1, None, False)]
    write_rows(tmp_path / "one.csv", Measured, rows, keep_order=True)
    assert read_rows(tmp_path / "one.csv", Measured) == rows
    (tmp_path / "two.csv").write_text("good,photo,note,score,count\ntrue,a,x,0.25,3\nfalse,0123,,,-1\n")
    assert read_rows(tmp_path / "two.csv", Measured) == rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("photo,count,good\na,1,true\n", "it has no column score"),
        ("photo,count,score,good\na,1,,true\nb,,,true\n", "line 3: .*''"),
        ("photo,count,score,good\na,1,high,true\n", "line 2: .*'high'"),
        ("photo,count,score,good\na,1,,yes\n", "line 2: 'yes' is neither true nor false"),
        ("photo,count,score,good\na,1\n", "line 2: it has fewer cells than the header"),
        ("photo,count,score,good\na,1,,true,x\n", "line 2: it has more cells than the header"),
        ("photo,count,score,good\nnobody,1,,true\n", "line 2: nobody is no photo"),
        (f"photo,count,score,good\n{'a' * 140_000},1,,true\n", "line 2: field larger than field limit"),
        ("", "it has no column photo"),
    ],
)
def test_a_cell_of_another_kind_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "one.csv").write_text(text)
    with pytest.raises(UserError, match=f"one.csv: {words}.*; delete this file"):
        read_rows(tmp_path / "one.csv", Measured)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
@pytest.mark.parametrize("text", ["photo,count,score,good\né,1,,true\n", "é,count,score,good\na,1,,true\n"])
def test_a_table_in_another_encoding_is_told(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "one.csv").write_text(text, encoding=encoding)
    for read in (lambda path: read_rows(path, Measured), lambda path: gather_tables([path], tmp_path / "all.csv")):
        with pytest.raises(UserError, match=r"one\.csv: line .*: 'utf-8' codec can't decode.*; delete this file"):
            read(tmp_path / "one.csv")


def test_a_row_that_is_not_there_is_told(tmp_path: Path) -> None:
    write_rows(tmp_path / "one.csv", Measured, [Measured("a", 3, 0.25, True)])
    rows = read_rows_by_name(tmp_path / "one.csv", Measured)
    assert rows["a"].count == 3 and rows.get("b") is None and "b" not in rows
    with pytest.raises(UserError, match=r"one\.csv: it has no row of b; delete this file"):
        rows["b"]


@pytest.mark.parametrize("text", ["photo,count\na\n", "photo,count\na,1,2\n", "photo,value\na,1\n"])
def test_an_edited_shard_is_told_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "0.csv").write_text("photo,count\nb,1\n")
    (tmp_path / "1.csv").write_text(text)
    with pytest.raises(UserError, match=r"1\.csv: .*; delete this file"):
        gather_tables([tmp_path / "0.csv", tmp_path / "1.csv"], tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()


def test_shards_gather_to_the_same_table_whatever_their_number(tmp_path: Path) -> None:
    rows = [{"photo": f"{number:02d}", "value": number} for number in range(9)]
    for count in (1, 3):
        paths = []
        for shard in range(count):
            path = tmp_path / f"{count}-{shard}.csv"
            write_table(path, ["photo", "value"], rows[shard::count])
            paths.append(path)
        gather_tables(paths, tmp_path / f"all-{count}.csv")
    assert (tmp_path / "all-1.csv").read_bytes() == (tmp_path / "all-3.csv").read_bytes()


def test_checkpoints_gather_in_their_own_order_with_their_pictures(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("base", "900", "1000")]
    for folder in folders:
        folder.mkdir()
        (folder / f"{folder.name}.png").write_bytes(folder.name.encode())
        write_table(folder.with_suffix(".csv"), ["step", "file"], [{"step": folder.name, "file": f"{folder.name}.png"}])
    rows = gather_tables([folder.with_suffix(".csv") for folder in folders], tmp_path / "all.csv", keep_order=True)
    assert read_table(tmp_path / "all.csv") == rows
    assert [row["step"] for row in rows] == ["base", "900", "1000"]
    assert gather_pictures(rows, folders, tmp_path / "all") == 3
    assert (tmp_path / "all" / "900.png").read_bytes() == b"900"
    (folders[1] / "900.png").unlink()
    with pytest.raises(UserError, match=r"^900.png is missing in .*base, .*900, .*1000; delete what of these"):
        gather_pictures(rows, folders, tmp_path / "again")
