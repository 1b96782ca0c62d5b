"""Verdicts of a batch without its gate's levels: clean speech passes through, music alone says so."""

import re

import numpy as np
import pytest
import soundfile

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.single import run_files
from sepkit.config import default_config_path, load_config, parse_config
from sepkit.errors import ConfigError
from tests.batch.folders import PASSTHROUGH, samples
from tests.judge.test_batch_gate import verdicts
from tests.judge.test_gate import RATE_HZ as PILOT_HZ
from tests.judge.test_gate import excerpt


@pytest.mark.parametrize("background", [False, True])
def test_clean_speech_comes_through_and_the_mix_does_not(tmp_path, background):
    (tmp_path / "in").mkdir()
    for name in ("speech", "mix"):
        soundfile.write(tmp_path / f"in/{name}.wav", excerpt(f"{name}.wav", 7.6, 13.8), PILOT_HZ, subtype="PCM_24")
    changes = {"bypass_clean": True, "gate": {"loudness_lufs_max": -90.0, "length_equal": True}}
    config = load_config(default_config_path()).model_copy(update=changes)
    config = config.model_copy(update={"output": config.output.model_copy(update={"background": background})})
    report = run_batch(BatchJob(config, tmp_path / "in", tmp_path / "out"))
    assert verdicts(report) == {"mix.wav": "quarantined", "speech.wav": "bypassed"}
    speech = samples(tmp_path / "in/speech.wav")
    assert np.array_equal(samples(tmp_path / "out/speech__speech_only.wav"), speech)
    rest = tmp_path / "out/speech__background.wav"
    assert rest.exists() == background
    if background:
        assert not samples(rest).any() and samples(rest).shape == speech.shape


def test_a_file_in_which_nobody_speaks_says_so_and_the_gate_can_hold_it(tmp_path):
    """In the row's note of a batch and the lines of a run; as a bound, it is a reason."""
    (tmp_path / "in").mkdir()
    speech, music = (excerpt(name) for name in ("speech.wav", "music.wav"))
    for name, sound in (("talk.wav", speech), ("jingle.wav", music)):
        soundfile.write(tmp_path / "in" / name, sound, PILOT_HZ, subtype="PCM_16")
    config = parse_config(PASSTHROUGH.replace("target_lufs: null", "target_lufs: -16") + "gate: {speech_s_min: 1}\n")
    report = run_batch(BatchJob(config, tmp_path / "in", tmp_path / "out"))
    assert verdicts(report) == {"jingle.wav": "quarantined", "talk.wav": "passed"}
    jingle, talk = report.rows
    assert jingle.note == "no speech found, left as loud as it is" and talk.note == ""
    assert re.fullmatch(r"first: speech 0\.\d\d s, at least 1\.00 s is asked \(gate\.speech_s_min\)", *jingle.reasons)
    run = run_files([str(tmp_path / "in" / "jingle.wav")], str(tmp_path / "run"), config)
    (result,) = run.results
    assert result.notes[0] == "no speech found, left as loud as it is"


def test_a_gate_that_cannot_be_read_ends_before_anything(tmp_path):
    with pytest.raises(ConfigError, match=r"gate\.stoi_mn"):
        parse_config(PASSTHROUGH + "gate: {stoi_mn: 1}")
