"""RNNoise against pyrnnoise's own binding, and its restarts, delay and rows."""

import importlib.metadata
import sys

import numpy as np
import pytest

from sepkit.errors import WeightsError
from sepkit.models import rnnoise

LSB = 1 / 32768


def speechlike(seconds: float, seed: int = 0) -> np.ndarray:
    """Syllables of a gliding voice with three formants over a chord and some noise, in whole 16-bit steps."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rnnoise.SAMPLE_RATE)) / rnnoise.SAMPLE_RATE
    pitch_hz = 140 + 30 * np.sin(2 * np.pi * 0.7 * time) + 10 * np.sin(2 * np.pi * 2.3 * time)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rnnoise.SAMPLE_RATE
    voice = np.zeros_like(time)
    for harmonic in range(1, 25):
        at_hz = harmonic * pitch_hz
        formants = sum(np.exp(-(((at_hz - f) / 250) ** 2)) for f in (500 + 200 * np.sin(3 * time), 1500, 2500))
        voice += (formants + 0.02) * np.sin(harmonic * phase)
    voice *= np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 277.2, 329.6))
    mix = 0.08 * voice + 0.01 * chord + 0.001 * rng.standard_normal(time.size)
    return (np.round(mix / LSB) * LSB).astype(np.float32)


def by_pyrnnoise(row: np.ndarray) -> np.ndarray:
    """One run of the network through pyrnnoise's own functions, which take and give whole 16-bit values."""
    from pyrnnoise import rnnoise as binding

    state = binding.create()
    steps = np.pad(row, (0, 960 + -row.size % 480)).reshape(-1, 480)
    outputs = [binding.process_mono_frame(state, np.int16(np.round(step / LSB)))[0] for step in steps]
    binding.destroy(state)
    return np.concatenate(outputs)[960 : 960 + row.size] * LSB


@pytest.fixture(scope="module")
def network() -> rnnoise.RNNoise:
    return rnnoise.RNNoise()


@pytest.fixture(scope="module")
def long_row(network) -> tuple[np.ndarray, np.ndarray]:
    """A row of 12 s, and all that is heard in it."""
    row = speechlike(12.0)[np.newaxis]
    return row, network.denoise(row)


def test_first_block_equals_the_binding_of_pyrnnoise(network):
    row = speechlike(4.003)
    ours = network.denoise(row[np.newaxis])[0]
    theirs = by_pyrnnoise(row)
    assert np.sqrt(np.mean(theirs**2)) > 100 * LSB
    assert np.abs(ours - theirs).max() <= LSB


def test_later_blocks_are_runs_begun_afresh_one_warm_up_before(network):
    row = speechlike(11.0)
    ours = network.denoise(row[np.newaxis])[0]
    start = 2 * rnnoise.BLOCK_FRAMES
    afresh = by_pyrnnoise(row[start - rnnoise.WARM_UP_FRAMES :])[rnnoise.WARM_UP_FRAMES :]
    before = by_pyrnnoise(row[rnnoise.BLOCK_FRAMES - rnnoise.WARM_UP_FRAMES :])
    before = before[rnnoise.BLOCK_FRAMES + rnnoise.WARM_UP_FRAMES :]
    assert np.abs(ours[start + rnnoise.FADE_FRAMES :] - afresh[rnnoise.FADE_FRAMES :]).max() <= LSB
    middle = rnnoise.FADE_FRAMES // 2
    halfway = (before[middle - 1 : middle + 1].mean() + afresh[middle - 1 : middle + 1].mean()) / 2
    assert ours[start + middle - 1 : start + middle + 1].mean() == pytest.approx(halfway, abs=2 * LSB)


def test_estimate_is_in_time_with_the_input_to_the_sample(network):
    """The peak of the cross-correlation above 500 Hz, where the library's own high-pass turns no phase."""
    row = speechlike(5.0)
    speech = network.denoise(row[np.newaxis])[0]
    size = 2 * row.size
    cross = np.fft.rfft(speech, size) * np.conj(np.fft.rfft(row, size))
    cross[np.fft.rfftfreq(size, 1 / rnnoise.SAMPLE_RATE) < 500] = 0
    assert np.argmax(np.fft.irfft(cross, size)) == 0


def test_each_row_is_on_its_own(network):
    first, second = speechlike(6.0, seed=1), 0.3 * speechlike(6.0, seed=2)[::-1]
    both = network.denoise(np.stack([first, second]))
    assert np.array_equal(both[0], network.denoise(first[np.newaxis])[0])
    assert np.array_equal(both[1], network.denoise(second[np.newaxis])[0])


def test_a_stretch_begun_on_the_grid_gives_the_same_bits_as_the_whole(network):
    row = speechlike(22.0)[np.newaxis]
    whole = network.denoise(row)
    context = round(rnnoise.CONTEXT_S * rnnoise.SAMPLE_RATE)
    for blocks in (1, 2):
        start = blocks * rnnoise.GRID_FRAMES
        part = network.denoise(row[:, start : 20 * rnnoise.SAMPLE_RATE])
        until = start + part.shape[1] - 3 * rnnoise.STEP_FRAMES
        assert np.array_equal(part[:, context : until - start], whole[:, start + context : until])


@pytest.mark.parametrize("start", [0, 5 * 48000, rnnoise.BLOCK_FRAMES, rnnoise.BLOCK_FRAMES + 100, 6 * 48000 + 7])
@pytest.mark.parametrize("frames", [1, 1000, 5 * 48000])
def test_what_is_used_has_the_same_bits_and_the_rest_is_left(network, long_row, start, frames):
    """The second block begins at 5.12 s; the first fades out over it until 5.17 s."""
    (row, whole), stop = long_row, start + frames
    part = network.denoise(row, (start, stop))
    assert np.array_equal(part[:, start:stop], whole[:, start:stop])
    assert not part[:, stop + 3 * rnnoise.STEP_FRAMES :].any()
    assert part[:, : rnnoise.BLOCK_FRAMES].any() == (start < rnnoise.BLOCK_FRAMES + rnnoise.FADE_FRAMES)


def test_differences_as_small_as_a_resamplers_do_not_reach_the_network(network):
    row = speechlike(3.0)[np.newaxis]
    nudged = row + np.float32(1e-8) * np.sign(np.random.default_rng(4).standard_normal(row.shape)).astype(np.float32)
    assert not np.array_equal(row, nudged)
    assert np.array_equal(network.denoise(row), network.denoise(nudged))


def test_noise_alone_is_taken_away(network):
    """Stationary noise is what RNNoise was made for: after it has settled, less than a tenth is left."""
    noise = (0.05 * np.random.default_rng(3).standard_normal((1, 4 * 48000))).astype(np.float32)
    left = network.denoise(noise)[:, 96000:]
    assert np.std(left) < 0.1 * np.std(noise)


def test_weight_file_is_the_one_that_the_wheel_lists():
    file = rnnoise.weight_file()
    listed = {entry.locate(): entry for entry in importlib.metadata.files("pyrnnoise") or ()}
    assert file.path in listed
    assert file.size_bytes == listed[file.path].size
    assert file.url is None


def test_absent_library_is_one_line_with_the_next_step(tmp_path, monkeypatch):
    package = tmp_path / "pyrnnoise"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("pyrnnoise", "pyrnnoise.rnnoise", "pyrnnoise.pyrnnoise"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(WeightsError, match="pip install") as caught:
        rnnoise.RNNoise()
    assert str(package) in str(caught.value)
    assert "\n" not in str(caught.value)
