"""Plans of edits: what is foreseen is what then runs, on the windows alone. Witness: the separator counts frames."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tests.prompted
from sepkit import Pipeline
from sepkit.audio.read import probe
from sepkit.batch.preview import plan_text
from sepkit.config import load_config, parse_config
from sepkit.plan.forecast import forecast
from tests.dropped import dropped_in

RATE = 16_000


@pytest.fixture(autouse=True)
def separator(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Rates are measured in a process of their own, which knows no separator of a test.
    monkeypatch.setattr("sepkit.plan.calibration._in_a_process", _measured_here)
    with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
        yield


def _measured_here(config, sample_rate, channels):
    from sepkit.plan import calibration

    return calibration._measure(config, sample_rate, channels)


def noise(path, seconds):
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.random.default_rng(0).uniform(-0.4, 0.4, seconds * RATE), RATE)
    return path


def test_the_frames_foreseen_are_those_that_run(tmp_path):
    source = noise(tmp_path / "a.wav", 60)
    edits = (
        "[{prompt: low, mode: keep, windows: [[10, 12], [30, 31]]}, {prompt: high, mode: remove, windows: [[11, 13]]}]"
    )
    pipeline = Pipeline(parse_config(f"task: edit\nmembers: [{{separator: halves}}]\nedits: {edits}"))
    foreseen = forecast(pipeline, [probe(source)])
    heard = sys.modules["sepkit.separators.halves"].heard_frames
    heard.clear()
    pipeline.run(source)
    assert len(foreseen.works) == 2
    assert sum(work.windows for work in foreseen.works) == len(heard) == 3
    assert round(sum(work.members[0].seen_s for work in foreseen.works) * RATE) == sum(heard)
    assert foreseen.seconds > 0


def test_a_plan_of_a_folder_reads_each_files_edits(tmp_path):
    noise(tmp_path / "in/a.wav", 10)
    noise(tmp_path / "in/b.wav", 10)
    (tmp_path / "edits.csv").write_text("path,prompt,mode,start_s,end_s\na.wav,low,keep,1,2\n")
    (tmp_path / "edit.yaml").write_text("task: edit\nmembers: [{separator: halves}]\nedits: edits.csv\n")
    text = plan_text(load_config(tmp_path / "edit.yaml"), tmp_path / "in", (), again=False)
    assert "sources: 1, 10.0 s of audio" in text
    assert "windows: 1, 1.0 s with their context" in text
    assert "left out, for they have no edits: 1 (b.wav)" in text
    # Two stems of 10 s at 16 kHz in 16 bits.
    assert f"disk: at most {2 * 10 * RATE * 2 // 1000} kB" in text
