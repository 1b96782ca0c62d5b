"""Names from elsewhere in a configuration and at `--model`: which member with which options they mean."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.cli import main
from sepkit.config import load_config, parse_config
from sepkit.config.asked import with_model
from sepkit.errors import ConfigError


def test_a_name_from_elsewhere_is_the_member_with_its_options():
    plain = parse_config("members: [{separator: demucs, options: {bag: htdemucs, shifts: 2}}]")
    named = parse_config("members: [{separator: HTDemucs.yaml, options: {shifts: 2}}]")
    assert named == plain and named.fingerprint() == plain.fingerprint()
    assert load_config_text("htdemucs_6s").options.bag == "htdemucs_6s"


def load_config_text(name: str):
    (member,) = parse_config(f"members: [{{separator: {name}}}]").members
    return member


def test_the_name_of_a_member_goes_first_and_needs_what_it_needs():
    with pytest.raises(ConfigError, match=r"members.0.options.prompt: "):
        parse_config("members: [{separator: audiosep}]")
    assert load_config_text("Audio-AGI/AudioSep").options.prompt == "sound"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("htdemucs_tf", r"separator: there is no 'htdemucs_tf' among the separators; did you mean 'htdemucs_ft'\?"),
        ("zzz", r"separator: there is no 'zzz' among the separators; choose one of audiosep, "),
        ("[demucs]", "separator: "),
    ],
)
def test_an_unknown_name_is_one_line(name, said):
    with pytest.raises(ConfigError, match=said) as caught:
        parse_config(f"members: [{{separator: {name}}}]")
    assert "\n" not in str(caught.value)


def test_options_that_are_none_are_still_told():
    with pytest.raises(ConfigError, match=r"members.0.options"):
        parse_config("members: [{separator: htdemucs, options: [1]}]")


def test_model_stands_for_the_members():
    config = load_config("pilot")
    assert with_model(config, None) is config
    (member,) = with_model(config, "hdemucs_mmi.yaml").members
    assert (member.separator, member.options.bag) == ("demucs", "hdemucs_mmi")
    (member,) = with_model(load_config("edit"), "audiosep").members
    assert member.options.prompt == "sound"
    with pytest.raises(ConfigError, match=r"--model roformer: options: give config and weights of a model, or model: "):
        with_model(config, "roformer")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("htdemucs.yaml", "run 'sepkit models fetch htdemucs'"),
        ("audiosep", "is for task edit, this is speech"),
        ("htdemucz", "did you mean 'htdemucs'"),
    ],
)
def test_run_says_at_once_what_a_model_lacks(tmp_path, monkeypatch, model, said):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "a.wav").write_bytes(b"not read")
    done = CliRunner().invoke(main, ["run", str(tmp_path / "a.wav"), "-o", str(tmp_path / "out"), "--model", model])
    assert done.exit_code == 2 and said in done.output, done.output


def test_run_takes_a_model_by_name(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32), 16000)
    done = CliRunner().invoke(
        main, ["run", str(tmp_path / "a.wav"), "-o", str(tmp_path / "out"), "--model", "passthrough", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "a__speech_only.wav").is_file()
