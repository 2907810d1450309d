"""selection.csv: verdicts on all photos, and those on the selected ones."""

from pathlib import Path

from table_rows import verdict

from darkroom.contracts.selection_table import Verdict, read_selected, read_selection
from darkroom.storage.tables import write_rows


def test_photos_that_are_not_selected_are_left_out(tmp_path: Path) -> None:
    used, held = verdict("a"), verdict("c", split="held_out", mask_problem="no subject")
    unused = verdict("b", selected=False, split="", reason="too dark: brightness 0.01 is below 0.1")
    write_rows(tmp_path / "selection.csv", Verdict, [held, unused, used])
    assert read_selection(tmp_path / "selection.csv") == [used, unused, held]
    assert read_selected(tmp_path / "selection.csv") == {"a": used, "c": held}
