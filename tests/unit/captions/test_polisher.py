"""The model that polishes: true architectures without true weights, asked greedily, remembered, and never trusted."""

import json
from pathlib import Path

import pytest
from descriptions import count_words, subject
from table_rows import frame_caption
from tiny_polisher import ARCHITECTURES, save_tiny_polisher

from darkroom.captions.polished_captions import polish_rows
from darkroom.captions.polisher import ask_polisher, load_polisher, polish_prompt
from darkroom.captions.polishing import name_of
from darkroom.captions.target_captions import Target
from darkroom.captions.token_counts import TokenCounts
from darkroom.config.base import ComputeSettings
from darkroom.config.captions import RewritingSettings
from darkroom.errors import UserError
from darkroom.models.fetch import lock_local
from darkroom.storage.cache import Cache

ABOUT = subject("dog", "character")
CAPTION = "zxq dog sitting on a deck, with a red collar, trees in the background"
DRAFT = "[NAME] dog sitting on a deck, with a red collar, trees in the background"
ANSWER = "[NAME] dog with a red collar sitting on a deck, and trees in the background"
CPU = ComputeSettings(device="cpu")


def prompt(draft: str = DRAFT) -> str:
    return polish_prompt(draft, name_of(ABOUT), "sentence")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("polishers")
    random = {name: save_tiny_polisher(root / name, prompt(), architecture=name) for name in ARCHITECTURES}
    return random | {"taught": save_tiny_polisher(root / "taught", prompt(), ANSWER)}


def polished(folder: Path, cache: Path) -> tuple[dict[str, object], int]:
    """The row of CAPTION as it stands, and how many answers were computed."""
    computed = 0

    def ask(drafts: list[str]) -> dict[str, str]:
        nonlocal computed
        prompts = {draft: prompt(draft) for draft in drafts}
        answers, computed = ask_polisher(prompts.values(), lock_local(str(folder)), CPU, Cache(cache), "code")
        return {draft: answers[asked] for draft, asked in prompts.items()}

    row = frame_caption("a", CAPTION, tokens=14)
    settings = RewritingSettings(style="sentence")
    (row,), _ = polish_rows([row], Target(ABOUT, settings, TokenCounts(count_words, 77)), ask)
    return row, computed


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_a_random_model_says_changes_nothing(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    row, computed = polished(folders[name], tmp_path)
    assert (row.caption, row.tokens, row.polished, computed) == (CAPTION, 14, "no", 1)


def test_a_good_answer_stands_and_a_second_run_loads_no_model(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, computed = polished(folders["taught"], tmp_path)
    assert (row.caption, row.polished, computed) == (ANSWER.replace("[NAME]", "zxq"), "yes", 1)
    monkeypatch.setattr("darkroom.captions.polisher.load_polisher", lambda *_: pytest.fail("the model was loaded"))
    assert polished(folders["taught"], tmp_path) == (row, 0)


def test_answers_are_greedy_and_one_more_caption_asks_once(folders: dict[str, Path], tmp_path: Path) -> None:
    lock = lock_local(str(folders["taught"]))
    first, _ = ask_polisher([prompt()], lock, CPU, Cache(tmp_path / "a"), "code")
    more = [prompt(), prompt("[NAME] dog, a red deck")]
    both, computed = ask_polisher(more, lock, CPU, Cache(tmp_path / "a"), "code")
    assert computed == 1 and both[prompt()] == first[prompt()] == ANSWER
    assert ask_polisher(more, lock, CPU, Cache(tmp_path / "b"), "code") == (both, 2)


def test_another_model_code_or_device_asks_again(folders: dict[str, Path], tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    lock = lock_local(str(folders["taught"]))
    threads = ComputeSettings(device="cpu", inference_threads=CPU.inference_threads + 1)
    for model, compute, code in (
        (lock, CPU, "code"),
        (lock_local(str(folders["qwen2"])), CPU, "code"),
        (lock, threads, "code"),
        (lock, CPU, "other code"),
    ):
        assert ask_polisher([prompt()], model, compute, cache, code)[1] == 1


def test_an_answer_that_was_cut_off_is_none(folders: dict[str, Path]) -> None:
    answer = load_polisher(folders["taught"], CPU)
    assert answer(prompt()) == ANSWER
    assert answer("dog") == ""


def test_a_model_that_cannot_be_asked_is_one_clear_line(tmp_path: Path) -> None:
    folder = save_tiny_polisher(tmp_path / "base", prompt(), template=None)
    with pytest.raises(UserError, match=r"captions\.polish: .*base has no chat template, .* give an instruct model"):
        load_polisher(folder, CPU)


def test_a_model_with_code_of_its_own_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = save_tiny_polisher(tmp_path / "own", prompt())
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UserError, match=r"captions\.polish: .* does not load as a language model"):
        load_polisher(folder, CPU)
    assert not (tmp_path / "ran").exists()


def test_polish_is_not_for_tags() -> None:
    with pytest.raises(ValueError, match="polish is for style: sentences"):
        RewritingSettings.model_validate({"style": "tags", "polish": "owner/model"})
