"""The task *edit* on a separator that is a filter (`tests.prompted`): the filter over the whole file is the witness."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tests.prompted
from sepkit import Audio, Pipeline
from sepkit.config import parse_config
from sepkit.errors import ConfigError, SepkitError
from tests.dropped import dropped_in
from tests.prompted import halves

RATE = 8000
WHOLE = "task: edit\nmembers: [{separator: halves}]\n"
DEPTHS = {  # container and coding: a step of the result
    ("WAV", "PCM_U8"): 2**-7,
    ("FLAC", "PCM_S8"): 2**-7,
    ("WAV", "PCM_16"): 2**-15,
    ("FLAC", "PCM_16"): 2**-15,
    ("AIFF", "PCM_24"): 2**-23,
    ("CAF", "PCM_24"): 2**-23,
    ("FLAC", "PCM_24"): 2**-23,
    ("WAV", "PCM_32"): 2**-31,
    ("W64", "PCM_32"): 2**-31,
    ("WAV", "FLOAT"): 2**-24,
    ("WAV", "DOUBLE"): 2**-53,
    ("CAF", "DOUBLE"): 2**-53,
}


@pytest.fixture(autouse=True)
def separator():
    with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
        yield


def config(edits: str, more: str = ""):
    return parse_config(f"{WHOLE}edits: {edits}\n{more}")


def noise(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 0) -> np.ndarray:
    """(channels, frames) float32 that no filter leaves empty."""
    return np.random.default_rng(seed).normal(0, 0.1, (channels, round(seconds * rate))).astype(np.float32)


def render(samples: np.ndarray, edits: str, more: str = "", rate: int = RATE):
    return Pipeline(config(edits, more)).run(Audio(samples, rate))


def envelope(frames: int, first: int, last: int, fade: int) -> np.ndarray:
    """By the sentence of the rules: 0 at both edges of first … last, 1 from `fade` frames on, raised cosine between."""
    found = np.zeros(frames)
    for at in range(first, last):
        found[at] = np.sin(np.pi / 2 * min(1, min(at - first, last - 1 - at) / fade)) ** 2
    return found


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("form", "step"), DEPTHS.items(), ids=lambda each: str(each))
def test_outside_every_bit_is_the_source_and_the_two_stems_sum_to_it(tmp_path, form, step, channels, rate):
    container, subtype = form
    source = tmp_path / f"a.{container.lower()}"
    rng = np.random.default_rng(channels)
    exact = rng.uniform(-0.4, 0.4, (round(0.3 * rate), channels))  # in float64: it fills every bit of every depth
    exact[:2] = [[-1.0], [1.0]]  # full scale; the highest of whole numbers is a step below
    soundfile.write(source, exact, rate, subtype, format=container)
    before, _ = soundfile.read(source, always_2d=True)
    pipeline = Pipeline(config("[{prompt: high, mode: remove, windows: [[0.1, 0.15], [0.2, 0.25]], fade_ms: 5}]"))
    outputs = pipeline.outputs(source, tmp_path / "out")
    pipeline.render(source, outputs)
    edited, taken = (soundfile.read(path, always_2d=True)[0] for path in outputs.values())
    assert soundfile.info(outputs["edited"]).subtype == subtype
    inside = np.zeros(len(before), bool)
    for start_s, stop_s in ((0.1, 0.15), (0.2, 0.25)):
        inside[round(start_s * rate) : round(stop_s * rate)] = True
    np.testing.assert_array_equal(edited[~inside].view(np.int64), before[~inside].view(np.int64))
    np.testing.assert_array_equal(taken[~inside], 0)
    assert np.abs(taken[inside]).max() > 0.05
    assert np.abs(edited + taken - before).max() <= step


def test_a_minus_zero_outside_stays_one(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(RATE, -0.0), RATE, "DOUBLE")
    pipeline = Pipeline(config("[{prompt: high, mode: keep, windows: [[0.1, 0.2]]}]"))
    outputs = pipeline.outputs(tmp_path / "a.wav", tmp_path / "out")
    pipeline.render(tmp_path / "a.wav", outputs)
    edited = soundfile.read(outputs["edited"])[0]
    outside = np.r_[0 : RATE // 10, RATE // 5 : RATE]
    assert np.signbit(edited[outside]).all() and not soundfile.read(outputs["taken"])[0].any()


def test_what_is_lossy_comes_through_as_it_is_decoded(tmp_path):
    soundfile.write(tmp_path / "a.ogg", noise(1)[0], RATE, "VORBIS", format="OGG")
    before = np.rint(soundfile.read(tmp_path / "a.ogg")[0] * 2**15) / 2**15
    pipeline = Pipeline(config("[{prompt: high, mode: remove, windows: [[0.4, 0.5]]}]"))
    outputs = pipeline.outputs(tmp_path / "a.ogg", tmp_path / "out")
    pipeline.render(tmp_path / "a.ogg", outputs)
    edited = soundfile.read(outputs["edited"])[0]
    outside = np.r_[0 : round(0.4 * RATE), round(0.5 * RATE) : RATE]
    np.testing.assert_array_equal(edited[outside], before[outside])


@pytest.mark.parametrize(("mode", "strength"), [("remove", 1), ("remove", 0.3), ("keep", 1), ("keep", 0.6)])
def test_inside_it_is_what_the_rule_says(mode, strength):
    """remove: x − g·e·V; keep: x − g·e·(x − V)."""
    mix = noise(2, channels=2)
    done = render(mix, f"[{{prompt: low, mode: {mode}, windows: [[0.5, 1.25]], fade_ms: 100, strength: {strength}}}]")
    wanted = halves.low(mix, RATE)
    rise = strength * envelope(mix.shape[1], RATE // 2, RATE * 5 // 4, RATE // 10)
    taken = rise * (wanted if mode == "remove" else mix - wanted)
    np.testing.assert_allclose(done.taken.samples, taken, atol=1e-6)
    np.testing.assert_allclose(done.edited.samples, mix - taken, atol=1e-6)


def test_each_edit_works_on_what_the_one_before_has_left():
    """Low taken, then low kept alone, leaves nothing of the low; the other way round leaves nothing at all."""
    mix = noise(2)
    whole = [f"{{prompt: low, mode: {mode}, windows: [[0, 2]], fade_ms: 0}}" for mode in ("remove", "keep")]
    places = (("low", "0.5, 1"), ("high", "0.9, 1.5"))
    windows = [f"{{prompt: {prompt}, mode: remove, windows: [[{at}]]}}" for prompt, at in places]
    low = halves.low
    first = mix - low(mix, RATE)
    np.testing.assert_allclose(render(mix, f"[{', '.join(whole)}]").edited.samples, low(first, RATE), atol=1e-6)
    kept = low(mix, RATE)
    expected = kept - low(kept, RATE)
    np.testing.assert_allclose(render(mix, f"[{', '.join(whole[::-1])}]").edited.samples, expected, atol=1e-6)

    fade = round(0.07 * RATE)
    one = mix - envelope(2 * RATE, RATE // 2, RATE, fade) * low(mix, RATE)
    two = one - envelope(2 * RATE, round(0.9 * RATE), RATE * 3 // 2, fade) * (one - low(one, RATE))
    np.testing.assert_allclose(render(mix, f"[{', '.join(windows)}]").edited.samples, two, atol=1e-6)


def test_a_window_does_not_hear_what_another_of_its_edit_has_changed():
    """Both windows lie within each other's context: the second one hears the source."""
    mix = noise(0.5)
    at = "[0.2, 0.22], [0.2225, 0.25]"
    done = render(mix, f"[{{prompt: low, mode: remove, windows: [{at}], fade_ms: 1}}]")
    rise = sum(envelope(RATE // 2, round(a * RATE), round(b * RATE), 8) for a, b in ((0.2, 0.22), (0.2225, 0.25)))
    np.testing.assert_allclose(done.taken.samples, rise * halves.low(mix, RATE), atol=1e-6)


def test_the_member_runs_on_windows_and_their_context_alone():
    mix = noise(60)
    edits = "[{prompt: low, mode: remove, windows: [[10, 11], [40, 42]]}]"
    pipeline = Pipeline(config(edits, "windows: {crossfade_s: 0}"))
    pipeline.load()
    heard = sys.modules["sepkit.separators.halves"].heard_frames
    heard.clear()
    pipeline.run(Audio(mix, RATE))
    context, grid = halves.TAPS, 512  # to either side; a stretch begins on a step of the transform
    assert len(heard) == 2
    for frames, seconds in zip(heard, (1, 2), strict=True):
        assert seconds * RATE + 2 * context <= frames <= seconds * RATE + 2 * context + grid


def test_many_short_windows_cost_no_more_than_the_whole():
    """40 windows of 2 ms, 3 ms apart, lie in each other's context; the sound between them stays to the bit."""
    mix = noise(1)
    starts = [round(0.2 + 0.005 * each, 3) for each in range(40)]
    at = ", ".join(f"[{start}, {round(start + 0.002, 3)}]" for start in starts)
    edits = f"[{{prompt: low, mode: remove, windows: [{at}], fade_ms: 0.5}}]"
    pipeline = Pipeline(config(edits, "windows: {body_s: 0.1, crossfade_s: 0.003}"))
    pipeline.load()
    heard = sys.modules["sepkit.separators.halves"].heard_frames
    heard.clear()
    done = pipeline.run(Audio(mix, RATE))
    assert len(heard) < 10
    rise = sum(envelope(RATE, round(start * RATE), round((start + 0.002) * RATE), 4) for start in starts)
    np.testing.assert_allclose(done.taken.samples, rise * halves.low(mix, RATE), atol=1e-6)
    np.testing.assert_array_equal(done.edited.samples[:, rise == 0], mix[:, rise == 0])


def test_every_prompt_is_tried_before_any_sound_is_rendered():
    places = ", ".join(f"{{prompt: low, mode: remove, windows: [[{at / 20}, {at / 20 + 0.01}]]}}" for at in range(12))
    pipeline = Pipeline(config(f"[{places}]"))
    pipeline.load()
    heard = sys.modules["sepkit.separators.halves"].heard_frames
    heard.clear()
    bad = tuple(each.model_copy(update={"prompt": "dog"}) for each in pipeline.config.edits[-1:])
    with pytest.raises(SepkitError, match="'dog' names neither"):
        pipeline.editing(pipeline.config.edits + bad).run(Audio(noise(1), RATE))
    assert not heard


def test_windowed_is_whole():
    mix = noise(7, channels=2)
    edits = "[{prompt: low, mode: remove, windows: [[0.5, 6.3]]}, {prompt: high, mode: keep, windows: [[2, 5]]}]"
    whole = render(mix, edits).edited.samples
    windowed = render(mix, edits, "windows: {body_s: 0.7, crossfade_s: 0.01}").edited.samples
    assert whole.shape == windowed.shape
    error_db = 20 * np.log10(np.abs(whole - windowed).max() / np.abs(whole).max())
    assert error_db < -100, error_db


@pytest.mark.parametrize("frames", [1, 2, RATE // 10])
def test_a_source_of_hardly_any_length(frames):
    mix = noise(1)[:, :frames]
    done = render(mix, "[{prompt: low, mode: keep}]")
    np.testing.assert_allclose(done.edited.samples, halves.low(mix, RATE)[:, :frames], atol=1e-6)
    np.testing.assert_allclose(done.edited.samples + done.taken.samples, mix, atol=1e-7)


@pytest.mark.parametrize("mode", ["keep", "remove"])
def test_silence_stays_silence(mode):
    done = render(np.zeros((2, RATE), np.float32), f"[{{prompt: low, mode: {mode}, windows: [[0.2, 0.8]]}}]")
    assert not done.edited.samples.any() and not done.taken.samples.any()


def test_windows_beyond_the_end_are_cut_off_and_named():
    mix = noise(1)
    done = render(mix, "[{prompt: low, mode: remove, windows: [[0.5, 4], [7, 8]], fade_ms: 10}]")
    rise = envelope(RATE, RATE // 2, RATE, round(0.01 * RATE))
    np.testing.assert_allclose(done.taken.samples, rise * halves.low(mix, RATE), atol=1e-6)
    told = " | ".join(done.report.notes)
    assert "'low' removed in 1 window, 0.50 s" in told
    assert "reaches beyond the end at 1 s and ends there (0.5–4 s)" in told and "left out (7–8 s)" in told
    nothing = render(mix, "[{prompt: low, mode: remove, windows: [[7, 8]]}]")
    np.testing.assert_array_equal(nothing.edited.samples, mix)


def test_no_strength_runs_nothing():
    mix = noise(1)
    done = render(mix, "[{prompt: low, mode: remove, strength: 0}]")
    np.testing.assert_array_equal(done.edited.samples, mix)
    assert not any(name.startswith("member") for name in done.report.seconds_by_stage)


def test_what_passes_full_scale_is_counted_and_stays_there_in_whole_numbers(tmp_path):
    """A square wave of 200 Hz at 0.95 without its overtones is a sine of 4/π · 0.95 = 1.21."""
    square = 0.95 * np.sign(np.sin(2 * np.pi * 200 * (np.arange(RATE) + 0.5) / RATE))
    soundfile.write(tmp_path / "a.wav", square, RATE, "PCM_16")
    pipeline = Pipeline(config("[{prompt: high, mode: remove, windows: [[0.25, 0.75]], fade_ms: 0}]"))
    outputs = pipeline.outputs(tmp_path / "a.wav", tmp_path / "out")
    report = pipeline.render(tmp_path / "a.wav", outputs)
    source = soundfile.read(tmp_path / "a.wav")[0]
    expected = halves.low(source[None], RATE)[0, RATE // 4 : RATE * 3 // 4]
    count = int((np.abs(expected) > 1).sum())
    assert count > 100
    assert f"edited: {count} samples lie beyond full scale, at which whole numbers end" in report.notes
    edited = soundfile.read(outputs["edited"])[0][RATE // 4 : RATE * 3 // 4]
    np.testing.assert_allclose(edited, np.clip(expected, -1, 1 - 2**-15), atol=2**-15)
    both = sum(soundfile.read(path)[0] for path in outputs.values())
    np.testing.assert_allclose(both, source, atol=2**-15)


def test_floats_go_beyond_full_scale_without_a_word(tmp_path):
    square = 0.95 * np.sign(np.sin(2 * np.pi * 200 * (np.arange(RATE) + 0.5) / RATE))
    soundfile.write(tmp_path / "a.wav", square, RATE, "FLOAT")
    pipeline = Pipeline(config("[{prompt: high, mode: remove}]"))
    outputs = pipeline.outputs(tmp_path / "a.wav", tmp_path / "out")
    report = pipeline.render(tmp_path / "a.wav", outputs)
    expected = halves.low(soundfile.read(tmp_path / "a.wav", dtype="float32")[0][None], RATE)[0]
    np.testing.assert_allclose(soundfile.read(outputs["edited"])[0], expected, atol=1e-6)
    assert np.abs(expected).max() > 1.1 and not any("full scale" in note for note in report.notes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("edits: [{prompt: dog, mode: keep}]", "prompt: 'dog' names neither high nor low"),
        ("", "edits: none is asked for; name one"),
        ("edits: beside", "edits.labels: beside is read by batch, run and edit"),
    ],
)
def test_what_cannot_be_edited_is_one_clear_line(text, told):
    with pytest.raises(SepkitError, match=told):
        Pipeline(parse_config(WHOLE + text)).run(Audio(noise(1), RATE))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("members: [{separator: passthrough}]", "'passthrough' is told by no prompt.*choose .*halves"),
        ("members: [{separator: halves}, {separator: halves}]", "takes 1, found 2"),
        ("members: [{separator: halves}]\nskip_silence: {}", "skip_silence: the task 'edit' runs inside its windows"),
    ],
)
def test_what_the_task_cannot_do_is_an_error_that_says_so(text, told):
    with pytest.raises(ConfigError, match=told):
        Pipeline(parse_config(f"task: edit\n{text}\nedits: [{{prompt: low, mode: keep}}]"))
