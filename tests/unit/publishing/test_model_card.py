"""The model card: its front matter is YAML whatever the trigger."""

import yaml

from darkroom.publishing.model_card import front_matter


def test_front_matter_is_yaml_whatever_the_trigger() -> None:
    phrase = "a: 'b' # ${c}\n---"
    values = yaml.safe_load(front_matter("owner/base", phrase, "object"))
    assert values["instance_prompt"] == phrase and values["base_model"] == "owner/base"
