"""Edits in the YAML, and their windows as frames, held against a mask of one boolean a frame."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepkit.config import dump_config, load_config, parse_config
from sepkit.config.edits import Edit, in_frames, merged, well_formed
from sepkit.config.labelled import Labelled
from sepkit.errors import ConfigError

MINIMAL = "members: [{separator: passthrough}]\n"
EDITING = MINIMAL + "task: edit\n"
DOG = "{prompt: dog bark, mode: remove, windows: [[0, 4], [8, 10.5]]}"


def test_edits_are_read_in_order_and_come_back_equal():
    text = EDITING + f"edits: [{DOG}, {{prompt: ' speech ', mode: keep, fade_ms: 5, strength: 0.5}}]"
    config = parse_config(text)
    assert config.edits == (
        Edit(prompt="dog bark", mode="remove", windows=((0.0, 4.0), (8.0, 10.5)), fade_ms=70, strength=1),
        Edit(prompt="speech", mode="keep", windows=(), fade_ms=5, strength=0.5),
    )
    assert parse_config(dump_config(config)) == config


def test_minutes_and_seconds_of_yaml_are_seconds():
    """YAML 1.1 itself reads 1:30 as 90."""
    config = parse_config(EDITING + "edits: [{prompt: a, mode: keep, windows: [[1:30, 1:02:03.5]]}]")
    assert config.edits[0].windows == ((90.0, 3723.5),)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ("[{mode: keep}]", "edits.0.prompt: this field is required and absent"),
        ("[{prompt: a}]", "edits.0.mode: this field is required and absent"),
        ("[{prompt: a, mode: mute}]", "edits.0.mode: Input should be 'keep' or 'remove', found 'mute'"),
        ("[{prompt: ' ', mode: keep}]", "edits.0.prompt: is empty; name a sound"),
        ("[{prompt: '\u200b', mode: keep}]", "edits.0.prompt: is empty; name a sound"),
        (f"[{{prompt: {'x' * 1001}, mode: keep}}]", "edits.0.prompt: has 1001 characters, at most 1000 are read"),
        ('[{prompt: "a\\eb", mode: keep}]', "edits.0.prompt: holds the control character U+001B"),
        ('[{prompt: "a\\nb", mode: keep}]', "edits.0.prompt: holds the control character U+000A"),
        ("[{prompt: 3, mode: keep}]", "edits.0.prompt: a text is asked, found 3"),
        (f"[{DOG}, {{prompt: a, mode: keep, fade: 5}}]", "edits.1.fade: unknown key; did you mean 'fade_ms'?"),
        ("[{prompt: a, mode: keep, fade_ms: -1}]", "edits.0.fade_ms: Input should be greater than or equal to 0"),
        ("[{prompt: a, mode: keep, strength: 1.5}]", "edits.0.strength: Input should be less than or equal to 1"),
        ("[{prompt: a, mode: keep, strength: .nan}]", "edits.0.strength: "),
        ("[{prompt: a, mode: keep, windows: 3}]", "edits.0.windows: a list is asked, found 3"),
        ("[{prompt: a, mode: keep, windows: [0, 4]}]", "edits.0.windows: a list of windows is asked, as [[0, 4]]"),
        ("[{prompt: a, mode: keep, windows: [[0, 4, 5]]}]", "edits.0.windows.0: two numbers of seconds are asked"),
        ("[{prompt: a, mode: keep, windows: [[yes, 4]]}]", "edits.0.windows.0: two numbers of seconds are asked"),
        (
            "[{prompt: a, mode: keep, windows: [[0, 4], [5, 5]]}]",
            "windows.1: its end, 5 s, is not after its start, 5 s",
        ),
        ("[{prompt: a, mode: keep, windows: [[4, 3]]}]", "windows.0: its end, 3 s, is not after its start, 4 s"),
        ("[{prompt: a, mode: keep, windows: [[-1, 3]]}]", "windows.0: its start, -1 s, is negative"),
        ("[{prompt: a, mode: keep, windows: [[.nan, 3]]}]", "windows.0: its start is nan"),
        ("[{prompt: a, mode: keep, windows: [[0, .inf]]}]", "windows.0: its end is inf"),
        ("{prompt: a}", "edits: a list of edits, or labels (beside, or a file), is asked, found a section"),
        ("{labels: a.csv, prompt: ''}", "edits.prompt: is empty; name a sound"),
        ("{labels: beside, mod: keep}", "edits.mod: unknown key; did you mean 'mode'?"),
        ("''", "edits: a list of edits, or labels (beside, or a file), is asked, found ''"),
        ("[dog]", "edits.0: a section is asked, found 'dog'"),
    ],
)
def test_a_mistake_names_its_path(edits, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(EDITING + f"edits: {edits}", "my.yaml")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("my.yaml: edits") and expected in line, line


def test_another_task_has_no_edits():
    with pytest.raises(ConfigError, match=r"^my\.yaml: edits: the task 'speech' has none; leave it out, or set task: "):
        parse_config(MINIMAL + f"edits: [{DOG}]", "my.yaml")
    assert "edits" not in parse_config(MINIMAL).model_dump()
    assert "edits" in parse_config(EDITING).model_dump()


def test_edits_count_in_the_fingerprint_and_those_of_the_first_hold_where_one_escalates(tmp_path):
    first = parse_config(EDITING + f"edits: [{DOG}]")
    assert first.fingerprint() != parse_config(EDITING).fingerprint()
    assert first.fingerprint() == parse_config(dump_config(first)).fingerprint()
    (tmp_path / "second.yaml").write_text(EDITING + "seed: 3")
    (tmp_path / "first.yaml").write_text(EDITING + f"escalate_to: [second.yaml]\nedits: [{DOG}]")
    (second,) = load_config(tmp_path / "first.yaml").escalations()
    assert (second.seed, second.edits) == (3, first.edits)
    (tmp_path / "second.yaml").write_text(EDITING + f"edits: [{DOG}]")
    with pytest.raises(ConfigError, match=r"second\.yaml: edits: is set, but this configuration is escalated to"):
        load_config(tmp_path / "first.yaml")


def test_the_path_of_a_file_of_edits_begins_at_the_configuration(tmp_path):
    (tmp_path / "my.yaml").write_text(EDITING + "edits: sub/edits.csv")
    config = load_config(tmp_path / "my.yaml")
    assert config.edits == Labelled(labels=str(tmp_path / "sub" / "edits.csv"))
    assert parse_config(dump_config(config)) == config
    (tmp_path / "my.yaml").write_text(EDITING + "edits: {labels: beside, mode: keep}")
    assert load_config(tmp_path / "my.yaml").edits == Labelled(labels="beside", mode="keep")


def test_a_prompt_may_be_of_any_script():
    for prompt in ("犬の鳴き声", "نباح كلب", "कुत्ते का भौंकना", "chien\u00a0qui aboie", "👩\u200d🚒 siren"):
        assert well_formed(f"  {prompt} ") == prompt


times = st.integers(0, 60)
spans = st.lists(st.tuples(times, times).filter(lambda span: span[0] < span[1]), max_size=12)


def mask(windows, frames=60):
    found = np.zeros(frames, dtype=bool)
    for start, stop in windows:
        found[start:stop] = True
    return found


@settings(deadline=None, max_examples=200)
@given(spans)
def test_merged_windows_cover_the_same_and_lie_apart(windows):
    found = merged(windows)
    np.testing.assert_array_equal(mask(found), mask(windows))
    edges = np.diff(np.concatenate([[0], mask(windows).astype(int), [0]]))
    assert len(found) == np.count_nonzero(edges == 1)  # as many as the mask has runs
    assert list(found) == sorted(found)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 12), st.floats(0, 12)).filter(lambda pair: pair[0] < pair[1]), max_size=6))
def test_windows_in_frames_are_the_nearest_frames(windows):
    rate, frames = 7, 60

    def nearest(time_s):
        return min(int(Fraction(time_s) * rate + Fraction(1, 2)), frames)

    found, _ = in_frames(windows, rate, frames)
    np.testing.assert_array_equal(mask(found), mask([(nearest(start), nearest(end)) for start, end in windows]))


def test_what_lies_beyond_the_end_is_clipped_and_told():
    found, notes = in_frames([(1.0, 2.0), (9.0, 12.0), (10.0, 11.0), (2.5, 2.501), (20.0, 1e300)], 100, 1000)
    assert found == ((100, 200), (900, 1000))
    assert notes == (
        "1 window reaches beyond the end at 10 s and ends there (9–12 s)",
        "2 windows lie beyond the end at 10 s and are left out (10–11 s, 20–1e+300 s)",
        "1 window is shorter than a frame and is left out (2.5–2.501 s)",
    )


def test_no_window_is_the_whole_file_without_fades():
    whole = Edit(prompt="dog", mode="keep")
    assert whole.spans(48000, 1000) == (((0, 1000),), 0, ())
    part = Edit(prompt="dog", mode="keep", windows=((0.01, 0.5), (0.4, 3.0)))
    windows, fade_frames, notes = part.spans(1000, 2000)
    assert (windows, fade_frames) == (((10, 2000),), 70)
    assert notes == ("'dog': 1 window reaches beyond the end at 2 s and ends there (0.4–3 s)",)
