"""The model card: nothing in a caption or name becomes markup."""

import yaml

from darkroom.publishing.model_card import code_span, escape, fenced, front_matter


def test_text_is_escaped() -> None:
    assert escape("a_b <i>*x*</i>\n| [l](u)") == r"a\_b \<i\>\*x\*\</i\> \| \[l\]\(u\)"
    assert code_span("plain") == "`plain`"
    assert code_span("`tick``s`") == "``` `tick``s` ```"
    assert fenced("a ````\nb").startswith("`````text\n")


def test_front_matter_is_yaml_whatever_the_trigger() -> None:
    phrase = "a: 'b' # ${c}\n---"
    values = yaml.safe_load(front_matter("owner/base", phrase, "object"))
    assert values["instance_prompt"] == phrase and values["base_model"] == "owner/base"
