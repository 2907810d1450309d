"""The plan in words: causes first, settings by key, photos by path."""

from darkroom.runs.explanation import PlannedJob, changed_settings, explanation, photo_changes


def job(rule: str, **about: object) -> PlannedJob:
    plain = {"wildcards": "", "missing": False, "causes": (), "changed": (), "before": (), "now": (), "waits": False}
    return PlannedJob(rule=rule, **(plain | about))  # type: ignore[arg-type]


def test_settings_are_compared_key_by_key() -> None:
    before = ("""'{"min_side":128,"deep":{"a":1,"b":[1]}}'""", "3")
    now = (("shards", "4"), ("settings", """'{"deep":{"a":2,"b":[1]},"min_side":127}'"""))
    assert changed_settings(before, now) == [
        "deep.a was 1, is 2",
        "min_side was 128, is 127",
        "shards was 3, is 4",
    ]


def test_photos_come_go_and_are_exchanged() -> None:
    before = {"a  b.jpg": "1", "it's.jpg": "2", "same.jpg": "3"}
    now = {"a  b.jpg": "4", "new.jpg": "", "same.jpg": "3"}
    assert photo_changes(before, now) == ["photo added: new.jpg", "photo gone: it's.jpg", "photo exchanged: a  b.jpg"]
    many = photo_changes({}, {f"{number}.jpg": "1" for number in range(8)})
    assert many[4:] == ["photo added: 4.jpg", "photos added: 3 more"]


def test_other_files_are_told_once() -> None:
    old, new = (f"'{count}, sha256 {'a' * 63}{count}'" for count in (1, 2))
    before, now = (old, "'photos'"), (("folder", "'pictures'"), ("files", new))
    assert changed_settings(before, now) == ['folder was "photos", is "pictures"', "its files are others"]
    before, now = (old,), (("files", new),)
    survey = job("survey_photos", before=before, now=now, causes=("photo added: new.jpg",))
    assert survey.differences == ["photo added: new.jpg"]


def test_what_is_no_literal_is_still_told() -> None:
    assert changed_settings(("<object>",), (("", "sdxl"),)) == ['a setting was "<object>", is "sdxl"']


def test_a_difference_is_told_once_with_all_its_jobs() -> None:
    rank = {"before": ("""'{"training":{}}'""",), "now": (("config", """'{"training":{"rank":2}}'"""),)}
    jobs = [
        job("train_lora", before=("""'{"rank":4}'""",), now=(("settings", """'{"rank":2}'"""),), wildcards="run=main"),
        job("draw_grid", changed=("scripts/darkroom/evaluation/sample_grid.py",)),
        job("publish_lora", waits=True, **rank),
        job("compare_runs"),
        job("export_dataset", waits=True),
        job("fetch_model", missing=True),
        job("fetch_model", missing=True),
    ]
    assert explanation(jobs) == (
        "7 jobs would run.\n\n"
        "What changed:\n"
        "  rank was 4, is 2 -> train_lora (run=main), publish_lora\n"
        "  darkroom/evaluation/sample_grid.py was edited -> draw_grid\n\n"
        "Not made yet:\n  fetch_model (2)\n\n"
        "Behind these; what is remembered is not computed again:\n  compare_runs\n\n"
        "Only if the dataset then differs:\n  export_dataset"
    )


def test_nothing_to_do() -> None:
    assert explanation([]) == "Nothing would run: everything is up to date."
