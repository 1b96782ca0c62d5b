"""What is measured inside and outside an edit's windows, against AudioSep's own formulas in numpy."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import tests.prompted
from sepkit.audio.samples import Audio
from sepkit.cli import main
from sepkit.config import parse_config
from sepkit.config.asked import where
from sepkit.config.edits import Edit, Where
from sepkit.errors import ConfigError
from sepkit.judge.evaluate import EDIT_METRICS, evaluate_pair
from sepkit.render.pipeline import Pipeline
from sepkit.stages.fade import envelope
from tests.dropped import dropped_in

RATE = 8000
WINDOWS = Where(((1.0, 2.0), (2.5, 3.0)), 100.0)
FULL = np.r_[8800:15200, 20800:23200]
"""By hand: 1.1 … 1.9 s and 2.6 … 2.9 s."""


def made(seed: int, channels: int = 1, gain: float = 0.1) -> Audio:
    drawn = gain * np.random.default_rng(seed).standard_normal((channels, 4 * RATE))
    return Audio(drawn.astype(np.float32), RATE)


def found(mix: Audio, clean: Audio, reference: Audio | None, places: Where | None = WINDOWS):
    metrics = evaluate_pair(mix, clean, reference, where=places, config=only_these()).as_dict()["metrics"]
    return {name: score for name, score in metrics.items() if name.startswith(("inside", "outside"))}


def only_these():
    names = ", ".join(f"{{metric: {name}}}" for name in EDIT_METRICS)
    return parse_config(f"members: [{{separator: passthrough}}]\nevaluate: {{metrics: [{names}]}}")


def of_audiosep(reference, estimate):
    """utils.py of Audio-AGI/AudioSep, `calculate_sdr` and `calculate_sisdr`, in float64."""
    noise = estimate - reference
    numerator = np.clip(np.mean(reference**2), 1e-10, None)
    sdr = 10 * np.log10(numerator / np.clip(np.mean(noise**2), 1e-10, None))
    reference, estimate = reference.reshape(-1, 1), estimate.reshape(-1, 1)
    scaled = (reference.T @ estimate) / (reference.T @ reference) * reference
    return sdr, 10 * np.log10((scaled**2).sum() / ((estimate - scaled) ** 2).sum())


@pytest.mark.parametrize("channels", [1, 2])
def test_the_ratios_are_audioseps_over_the_joined_windows_without_their_fades(channels):
    target, other = made(1, channels), made(2, channels, 0.07)
    mix = Audio(target.samples + other.samples, RATE)
    clean = Audio(0.8 * target.samples + 0.2 * other.samples + 0.01, RATE)  # off the zero line: no mean is removed
    scores = found(mix, clean, target)
    s, x, y = (audio.samples[:, FULL].astype(np.float64) for audio in (target, mix, clean))
    for name, before, after in zip(("sdr", "si_sdr"), of_audiosep(s, x), of_audiosep(s, y), strict=True):
        assert scores[f"inside_{name}"]["before"] == pytest.approx(before, abs=1e-4)
        assert scores[f"inside_{name}"]["after"] == pytest.approx(after, abs=1e-4)
        assert scores[f"inside_{name}i"]["after"] == pytest.approx(after - before, abs=2e-4)


def test_turning_the_mix_down_gains_three_db_of_sdr_and_nothing_of_si_sdr():
    """Equal, uncorrelated powers: |s|² against |s/2 − n/2|² = |s|²/2."""
    target, other = made(1), made(2)
    mix = Audio(target.samples + other.samples, RATE)
    scores = found(mix, Audio(0.5 * mix.samples, RATE), target)
    assert scores["inside_sdri"]["after"] == pytest.approx(10 * math.log10(2), abs=0.1)
    assert scores["inside_si_sdri"]["after"] == pytest.approx(0, abs=1e-4)


def test_a_perfect_estimate_is_clipped_as_audiosep_clips_it():
    target = made(1)
    scores = found(Audio(2 * target.samples, RATE), target, target)
    power = np.mean(target.samples[:, FULL].astype(np.float64) ** 2)
    assert scores["inside_sdr"]["after"] == pytest.approx(10 * math.log10(power / 1e-10), abs=1e-4)
    assert scores["inside_si_sdr"]["after"] is None


@pytest.mark.parametrize(("power", "is_silent"), [(0.0, True), (0.99e-10, True), (1.01e-10, False)])
def test_of_a_silent_target_nothing_is_measured(power, is_silent):
    target = np.full((1, 4 * RATE), 0.1, np.float32)
    target[:, FULL] = math.sqrt(power) * np.resize([1, -1], FULL.size)
    mix = Audio(target + made(2).samples, RATE)
    for name in ("inside_si_sdr", "inside_si_sdri", "inside_sdr", "inside_sdri"):
        score = found(mix, mix, Audio(target, RATE))[name]
        assert (score["after"] is None) == is_silent
        assert (score["why"] == "not measured: the reference is silent inside the windows") == is_silent


def test_outside_each_sample_of_each_channel_counts_and_the_fades_do_not():
    mix = made(1, 2)
    clean = mix.samples.copy()
    clean[0, 8000] += 0.5  # the first frame of a window
    assert found(mix, Audio(clean, RATE), None)["outside"]["after"] == 0
    clean[0, 7999] += 0.25
    clean[:, 31999] += 2**-20
    scores = found(mix, Audio(clean, RATE), None)
    change = np.delete(clean.astype(np.float64) - mix.samples, np.r_[8000:16000, 20000:24000], axis=1)
    assert scores["outside"]["after"] == np.count_nonzero(change) == 3
    assert scores["outside_l2"]["after"] == pytest.approx(np.linalg.norm(change), rel=1e-12)


def test_without_windows_nothing_is_known_and_of_a_whole_file_nothing_lies_outside():
    mix = made(1)
    assert {score["why"] for score in found(mix, mix, mix, None).values()} == {
        "not measured: no windows are known (evaluate takes them: --window, --labels)"
    }
    whole = found(mix, Audio(0.5 * mix.samples, RATE), made(3), Where())
    assert whole["outside"]["why"] == "not measured: nothing lies outside the windows"
    assert whole["inside_si_sdri"]["after"] == pytest.approx(0, abs=1e-4)
    nowhere = found(mix, mix, mix, Where(((7.0, 8.0),)))
    assert nowhere["inside_sdr"]["why"] == "not measured: no window lies in the file"


def test_of_a_long_file_the_middle_is_measured_and_windows_move_with_it():
    target, other = made(1), made(2, gain=0.05)
    mix = Audio(target.samples + other.samples, RATE)
    config = only_these()
    short = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"longest_s": 2.0})})
    clean = Audio(target.samples + 0.5 * other.samples, RATE)
    score = evaluate_pair(mix, clean, target, where=WINDOWS, config=short).as_dict()["metrics"]["inside_sdr"]
    inside = np.r_[8800:15200, 20800:23200]  # of the middle, 8000 … 24000, all
    s, y = (audio.samples[0, inside].astype(np.float64) for audio in (target, clean))
    assert score["after"] == pytest.approx(of_audiosep(s, y)[0], abs=1e-4)


@pytest.mark.parametrize("length", [1, 2, 3, 559, 560, 561, 1200, 1201, 5000])
@pytest.mark.parametrize("fade_frames", [0, 280, 600])
def test_inside_is_where_the_envelope_is_one(length, fade_frames):
    spans = Where(((0.1, 0.1 + length / RATE),), fade_frames / RATE * 1000).spans(RATE, RATE)
    marked = np.zeros(RATE, bool)
    for start, stop in spans.inside():
        marked[start:stop] = True
    np.testing.assert_array_equal(marked, envelope(spans.windows, spans.fade_frames, 0, RATE) == 1)


def test_several_edits_are_one_place_with_their_longest_fade():
    edits = [Edit(prompt="a", mode="keep", windows=((0, 1),)), Edit(prompt="b", mode="keep", fade_ms=90)]
    assert Where.of(edits[:1]) == Where(((0, 1),), 70, "a", "keep")
    assert Where.of(edits) == Where((), 90)  # no one prompt


def test_an_edit_changes_nothing_outside_by_this_count():
    """The real thing, at 24 bits; and one that ran on the whole file, told to have kept to its windows."""
    text = "task: edit\nmembers: [{separator: halves}]\nedits: [{prompt: low, mode: remove, windows: [[1, 2]]}]"
    mix = Audio(np.round(made(1).samples * 2**23) / 2**23, RATE)
    counts = []
    with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
        for asked in (text, text.replace(", windows: [[1, 2]]", "")):
            edited = Pipeline(parse_config(asked)).run(mix).stems["edited"]
            counts.append(found(mix, edited, None, Where(((1.0, 2.0),)))["outside"]["after"])
    assert counts[0] == 0 and counts[1] > 20_000


def test_evaluate_reads_windows_as_edit_does(tmp_path):
    target, other = made(1), made(2)
    mix = Audio(target.samples + other.samples, RATE)
    clean = mix.samples.copy()
    clean[:, 8000:16000] = target.samples[:, 8000:16000] * 0.5
    for name, samples in (("mix", mix.samples), ("clean", clean), ("target", target.samples)):
        soundfile.write(tmp_path / f"{name}.wav", samples.T, RATE, subtype="FLOAT")
    (tmp_path / "labels.txt").write_text("1.0\t2.0\tdog\n")
    (tmp_path / "plain.yaml").write_text(
        "members: [{separator: passthrough}]\nevaluate: {metrics: [{metric: clipping}]}"
    )
    words = ["evaluate", "--config", str(tmp_path / "plain.yaml")]
    for option, name in (("--mix", "mix"), ("--clean", "clean"), ("--reference", "target")):
        words += [option, str(tmp_path / f"{name}.wav")]
    by_window = CliRunner().invoke(main, [*words, "--window", "1", "0:02", "--prompt", "dog"])
    by_labels = CliRunner().invoke(main, [*words, "--labels", str(tmp_path / "labels.txt")])
    assert by_window.exit_code == 0, by_window.output
    assert by_window.stdout == by_labels.stdout
    table = [line.split("|") for line in by_window.stdout.splitlines() if line.startswith("| ")]
    rows = {words[1].strip(): words[3].strip() for words in table}
    assert float(rows["Changed outside the windows"]) == 0
    assert float(rows["SDR inside the windows"]) == pytest.approx(10 * math.log10(4), abs=0.01)
    assert 'to "dog"' in by_window.stdout  # the label, where nothing is given
    refused = CliRunner().invoke(main, [*words, "--fade-ms", "50"])
    assert refused.exit_code == 2 and "belongs to an edit" in refused.stderr


def test_an_edit_is_measured_by_the_configuration_for_edits(tmp_path):
    """The rows are those of edit.yaml's metrics and of an edit's, none of which is the pilot's STOI or word errors."""
    mix = made(1)
    for name in ("mix", "clean"):
        soundfile.write(tmp_path / f"{name}.wav", mix.samples.T, RATE, subtype="FLOAT")
    pair = ["evaluate", "--window", "1", "2", "--mix", f"{tmp_path}/mix.wav", "--clean", f"{tmp_path}/clean.wav"]
    default, named = (CliRunner().invoke(main, [*pair, *more]) for more in ([], ["--config", "edit"]))
    assert default.exit_code == 0, default.output
    assert default.stdout == named.stdout and "Changed outside the windows" in default.stdout
    assert "STOI" not in default.stdout
    assert "STOI" in CliRunner().invoke(main, [*pair, "--config", "pilot"]).stdout


def test_both_ways_to_say_where_are_one_too_many(tmp_path):
    with pytest.raises(ConfigError, match="--labels and --window both say where"):
        where([("1", "2")], None, tmp_path / "labels.txt")
    assert where([], None, None) is None


def test_what_says_no_mode_was_removed_as_edit_does(tmp_path):
    (tmp_path / "labels.txt").write_text("1\t2\tdog\n")
    (tmp_path / "rows.csv").write_text("prompt,mode,start_s,end_s\ndog,,1,2\ndog,keep,3,4\n")
    (tmp_path / "kept.csv").write_text("prompt,mode,start_s,end_s\ndog,keep,1,2\n")
    modes = [where([], None, tmp_path / name).mode for name in ("labels.txt", "rows.csv", "kept.csv")]
    assert modes == ["remove", None, "keep"]
    assert where([("1", "2")], None, None, "dog").mode == "remove"
    assert where([("1", "2")], None, None, "dog", "keep").mode == "keep"
