"""Every mistake in a YAML file is a line with its path; what is shown can be read back."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from sepkit.config import Config, default_config_path, dump_config, load_config, parse_config
from sepkit.errors import ConfigError

CONFIGS = sorted(Path(__file__).parents[2].glob("config/*.yaml"))
MINIMAL = "members: [{separator: passthrough}]\n"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configurations_resolve_and_come_back_equal(path):
    config = load_config(path)
    assert parse_config(dump_config(config)) == config


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_field_of_every_yaml_has_its_comment(path):
    bare = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and "#" not in line and not line.rstrip().endswith(":") and "metric:" not in line
    ]
    assert bare == []


SECTIONS = {"source", "stft", "fuse", "post_mask", "equalise", "loudness", "output", "windows", "pilot"}
OF_SPEECH = {
    *("stft", "fuse", "denoise", "post_mask", "equalise", "loudness", "skip_silence", "bypass_clean", "words", "pilot"),
    *("background", "speech_suffix", "background_suffix"),
}
"""What the other tasks do not use."""
FUSING = {"stft", "fuse"}
"""But for the task dialogue."""


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configurations_name_every_section_and_field(path):
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    resolved = load_config(path).model_dump(mode="json")
    if resolved["task"] != "speech":
        unused = OF_SPEECH - FUSING if resolved["task"] == "dialogue" else OF_SPEECH
        resolved = {name: value for name, value in resolved.items() if name not in unused}
        resolved["output"] = {name: value for name, value in resolved["output"].items() if name not in OF_SPEECH}
    if resolved["task"] == "speakers":  # no voice is the sound of a video
        del resolved["output"]["video_tracks"]
    assert set(given) == set(resolved)
    for section in set(resolved) & SECTIONS:
        if resolved[section] is None:  # said outright, not left out
            assert given[section] is None, section
        else:
            assert set(given[section]) == set(resolved[section]), section


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL + "fuze: {rule: max}", "fuze: unknown key; did you mean 'fuse'?"),
        (MINIMAL + "fuse: {rul: max}", "fuse.rul: unknown key; did you mean 'rule'?"),
        (
            MINIMAL + "fuse: {rule: median}",
            "fuse.rule: Input should be 'max', 'mean', 'min' or 'weights', found 'median'",
        ),
        (MINIMAL + "denoise: {denoiser: nothing}", "denoise.denoiser: there is no 'nothing' among the denoisers"),
        (
            MINIMAL + "loudness: {ceiling_dbtp: 3}",
            "loudness.ceiling_dbtp: Input should be less than or equal to 0, found 3",
        ),
        (MINIMAL + "seed: 1\nseed: 2", "the key 'seed' stands twice"),
        (MINIMAL + "stft: {fft_frames: 1000, hop_frames: 300}", "stft: fft_frames must be even"),
        (
            MINIMAL + "output: {speech_suffix: _X, background_suffix: _x}",
            "'_X' and background_suffix '_x' make one name",
        ),
        (MINIMAL + "source: {track: yes}", "source.track: give a number from 1, or a language in quotes"),
        (MINIMAL + "source: {track: no}", "source.track: give a number from 1, or a language in quotes"),
        (MINIMAL + "device: gpu", "device: "),
        ("members: [{separator: passthrough, options: {colour: red}}]", "members.0.options.colour: unknown key"),
        ("members: [{separator: passthrough, weight: .nan}]", "members.0.weight: "),
        ("members: []", "members: is empty; give at least 1"),
        ("members: {}", "members: a list is asked, found a section"),
        ("members: [passthrough]", "members.0: a section is asked, found 'passthrough'"),
        ("members: [{separator: 3}]", "members.0.separator: a text is asked, found 3"),
        ("members: [{separator: passthrough, options: []}]", "members.0.options: a section is asked, found a list"),
        (MINIMAL + "gate: []", "gate: a section is asked, found a list"),
        (MINIMAL + "escalate_to: {}", "escalate_to: a list is asked, found a section"),
        (MINIMAL + "escalate_to: [{}]", "escalate_to.0: a text is asked, found a section"),
        (MINIMAL + "denoise: []", "denoise: a section is asked, found a list"),
        ("seed: 3", "members: this field is required"),
        ("- a\n- b", "expected sections such as 'members:', found list"),
        ("members: [", "not valid YAML"),
        ("? [1, 2]\n: 3", "a key must be text"),
    ],
)
def test_a_mistake_names_its_path_and_what_is_allowed(text, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "my.yaml")
    assert any(line.startswith("my.yaml: ") and expected in line for line in str(caught.value).splitlines()), (
        caught.value
    )


def test_all_mistakes_are_listed_at_once():
    with pytest.raises(ConfigError) as caught:
        parse_config("members: [{separator: tape}]\nfuze: 1\noutput: {format: mp3}")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [("members: [{}]", "members.0.separator"), (MINIMAL + "denoise: {wet: 0}", "denoise.denoiser")],
)
def test_a_plug_in_that_is_not_named_is_all_that_is_said_to_be_absent(text, said):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "my.yaml")
    assert str(caught.value) == f"my.yaml: {said}: this field is required and absent"


def test_an_absent_file_to_escalate_to_is_named_with_its_field(tmp_path):
    (tmp_path / "first.yaml").write_text(MINIMAL + "gate: {stoi_min: 0.5}\nescalate_to: [nope.yaml]")
    with pytest.raises(ConfigError, match=rf"^escalate_to\.0: {tmp_path}/nope\.yaml: cannot be read \(No such file"):
        load_config(tmp_path / "first.yaml")


def test_an_absent_file_is_named():
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_config("nowhere.yaml")


def test_models_are_frozen():
    config = parse_config(MINIMAL)
    with pytest.raises(ValidationError):
        config.seed = 3


def test_the_fingerprint_changes_with_what_changes_the_sound_only():
    base = parse_config(MINIMAL)
    assert parse_config(MINIMAL + "evaluate: {snippets: 1}").fingerprint() == base.fingerprint()
    assert parse_config(MINIMAL + "device: cpu").fingerprint() == base.fingerprint()
    assert parse_config(MINIMAL + "seed: 1").fingerprint() != base.fingerprint()
    assert parse_config(MINIMAL + "loudness: {target_lufs: -23}").fingerprint() != base.fingerprint()


def test_the_least_speech_counts_where_it_is_not_the_default():
    base = parse_config(MINIMAL).fingerprint()
    assert parse_config(MINIMAL + "loudness: {least_speech_s: 0.5}").fingerprint() == base
    assert parse_config(MINIMAL + "loudness: {least_speech_s: 0}").fingerprint() != base
    with pytest.raises(ConfigError, match=r"loudness\.least_speech_s: "):
        parse_config(MINIMAL + "loudness: {least_speech_s: -1}")


def test_the_default_configuration_is_the_embedded_one():
    assert default_config_path().name == "pilot.yaml"
    assert isinstance(load_config(default_config_path()), Config)


@pytest.mark.parametrize(
    ("extra", "digest"),
    [
        ("", "1fb059947357b423dac72edfb4ae7e448b012fad7508e55e86628bda9adac2a2"),
        (
            "bypass_clean: true\ngate: {stoi_min: 0.5}\n"
            "evaluate: {metrics: [{metric: stoi}]}\noutput: {background: true}",
            "649b24ab495efb31f8796e7ccff753d3e8db0b063c8cf5a22ae97104deba427e",
        ),
    ],
)
def test_the_fingerprint_is_that_of_before_there_were_tasks(extra, digest):
    """Printed by the version before `task:`, whose finished batches must count as finished."""
    assert parse_config(f"members: [{{separator: passthrough}}]\n{extra}").fingerprint() == digest
    assert parse_config(f"task: speech\nmembers: [{{separator: passthrough}}]\n{extra}").fingerprint() == digest


def laughs(levels: int) -> str:
    """Each list holds the one before nine times."""
    lists = (f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]" for level in range(1, levels + 1))
    return "l0: &l0 [lol]\n" + "\n".join(lists) + "\n"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (laughs(9) + "gate: {stoi_min: *l9}", "more than 10000 values"),
        ("seed: " + "9" * 5000, "a number of 5000 digits"),
        ("seed: 0x" + "f" * 5000, "a number of 5002 digits"),
        (f"gate: {{stoi_min: {'9' * 400}.0}}", "gate.stoi_min: a number is asked, found inf"),
        ("gate: {stoi_min: [1]}", "gate.stoi_min: a number is asked, found a list"),
        ("gate: " + "[" * 3000 + "]" * 3000, "nested more than 50 deep"),
        ("\n".join(f"fuse{index}: 1" for index in range(3000)), "and more; mend these first"),
        ('escalate_to: ["a\\0.yaml"]', "a text with a NUL"),
        ('device: "\\ud800"', "half a character"),
        ("words: &a [*a]", "an alias stands inside what it names"),
        ("seed: 2024-13-45", "a value does not fit its tag (month must be in 1..12)"),
        ("seed: !!bool maybe", "a value does not fit its tag"),
        ("task: " + "x" * 10_000, "among the tasks; choose one of"),
        ("device: " + "x" * 10_000, "device: String should match"),
        ("x: " + "y" * 300_000, "more than 262144 characters"),
        ("output: {speech_suffix: _a, background_suffix: _a}", "'_a' and background_suffix '_a' make one name"),
    ],
    ids=lambda text: text[:20],
)
def test_what_only_an_attack_needs_is_refused_in_short(extra, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(MINIMAL + extra, "my.yaml")
    lines = str(caught.value).splitlines()
    assert expected in str(caught.value) and len(lines) <= 21 and max(map(len, lines)) < 450, caught.value


def test_aliases_that_stay_small_are_read_as_before():
    text = "members: [&one {separator: passthrough, weight: 2}, *one]"
    config = parse_config(text)
    assert [member.weight for member in config.members] == [2, 2]


def test_a_file_without_an_end_and_a_name_with_a_nul_are_refused():
    with pytest.raises(ConfigError, match="more than 262144 characters"):
        load_config("/dev/zero")
    with pytest.raises(ConfigError, match=r"a\\x00b: cannot be read \(embedded null"):
        load_config("a\0b")
