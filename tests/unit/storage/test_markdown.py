"""Markdown: nothing in a text becomes markup."""

from darkroom.storage.markdown import code_span, escape, fenced, markdown_table


def test_text_is_escaped() -> None:
    assert escape("a_b <i>*x*</i>\n| [l](u)") == r"a\_b \<i\>\*x\*\</i\> \| \[l\]\(u\)"
    assert code_span("plain") == "`plain`"
    assert code_span("`tick``s`") == "``` `tick``s` ```"
    assert fenced("a ````\nb").startswith("`````text\n")


def test_a_table_has_a_line_per_row() -> None:
    assert markdown_table(["a", "b"], [("1", escape("x|y"))]) == "| a | b |\n| --- | --- |\n| 1 | x\\|y |"
