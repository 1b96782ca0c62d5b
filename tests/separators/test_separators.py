"""The contract over every separator that needs no download; the nearest-neighbour filter against librosa."""

import numpy as np
import pytest
from pydantic import ValidationError

from sepkit.config import plugins
from sepkit.separators import nn_filter
from sepkit.separators.base import BaseSeparator, Mix, Place

ANY_RATE_HZ = 22050
"""Given to the separators without a native rate."""


def embedded(kind: str) -> list[str]:
    """The plug-ins of a kind whose weights, if any, come with an installed package; none that must be given files."""
    modules = {name: plugins.load(kind, name) for name in plugins.names(kind)}
    modules = {
        name: module
        for name, module in modules.items()
        if not any(field.is_required() for field in module.Options.model_fields.values())
    }
    catalogues = {name: getattr(module, "catalogue", tuple)() for name, module in modules.items()}
    return [name for name, files in catalogues.items() if all(file.url is None for file in files)]


def song(seconds: float, channels: int, sample_rate: int, seed: int = 0) -> np.ndarray:
    """A voice of gliding harmonics over a bar of plucked tones that comes back every second, and noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    beat = time % 0.25
    tones_hz = np.array([220.0, 330.0, 277.2, 440.0])[(time / 0.25).astype(int) % 4]
    music = np.exp(-12 * beat) * np.sin(2 * np.pi * tones_hz * beat)
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(2 * np.pi * 0.31 * time + seed)) / sample_rate
    voice = sum(np.sin(h * phase) / h for h in range(1, 15)) * np.clip(np.sin(2 * np.pi * 1.7 * time), 0, 1)
    pan = np.linspace(0.4, 1.0, channels)[:, np.newaxis]
    mix = 0.2 * voice + 0.3 * pan * music + 0.003 * rng.standard_normal((channels, time.size))
    return mix.astype(np.float32)


def level_db(difference: np.ndarray, signal: np.ndarray) -> float:
    return float(10 * np.log10((np.mean(difference**2.0) + 1e-30) / np.mean(signal**2.0)))


@pytest.fixture(params=embedded("separators"), scope="module")
def separator(request) -> BaseSeparator:
    module = plugins.load("separators", request.param)
    built = module.Separator(module.Options())
    built.load("cpu")
    if built.sample_rate is None:
        built.begin(ANY_RATE_HZ)
    if built.prompted:
        built.ask("speech")
    if built.learns_s:
        built.learn(song(3.0, 2, rate_hz(built)), 0)
    return built


def rate_hz(separator: BaseSeparator) -> int:
    return separator.sample_rate or ANY_RATE_HZ


def test_the_three_that_need_no_download_are_among_them():
    assert {"nn_filter", "passthrough", "rnnoise"} <= set(embedded("separators"))


def test_same_mix_same_estimate_whatever_came_between(separator):
    channels = separator.channels or 2
    mix = Mix(song(3.0, channels, rate_hz(separator)))
    given = mix.samples.copy()
    first = separator.separate(mix)
    separator.separate(Mix(song(2.0, channels, rate_hz(separator), seed=5)))
    again = separator.separate(mix)
    assert np.array_equal(mix.samples, given), "the mix was changed"
    assert np.array_equal(first.wanted, again.wanted)
    assert (first.rest is None) == (again.rest is None)
    assert first.rest is None or np.array_equal(first.rest, again.rest)


def test_silence_gives_silence(separator):
    estimates = separator.separate(Mix(np.zeros((separator.channels or 2, rate_hz(separator)), np.float32)))
    assert np.abs(estimates.wanted).max() < 1e-7
    assert estimates.rest is None or np.abs(estimates.rest).max() < 1e-7


@pytest.mark.parametrize("frames", [1, 2, 479, 481, 5000])
@pytest.mark.parametrize("kind", ["impulse", "full scale", "constant"])
def test_any_length_and_any_samples_give_finite_ones_of_the_same_shape(separator, frames, kind):
    samples = {
        "impulse": np.eye(1, frames, frames // 2),
        "full scale": np.where(np.arange(frames) // 50 % 2, 1.0, -1.0),
        "constant": np.full(frames, 0.5),
    }[kind]
    mix = np.tile(samples, (separator.channels or 2, 1)).astype(np.float32)
    found = separator.separate(Mix(mix))
    assert set(found.sources) == set(separator.sources)
    for estimate in (found.wanted, found.rest, *found.sources.values()):
        if estimate is not None:
            assert estimate.shape == mix.shape
            assert estimate.dtype == np.float32
            assert np.isfinite(estimate).all()
            assert np.abs(estimate).max() <= 2 * np.abs(mix).max()


def test_a_stretch_with_its_context_gives_what_the_whole_gives(separator):
    sample_rate = rate_hz(separator)
    context = int(np.ceil(separator.context_s * sample_rate))
    start = max(separator.grid_frames, 3 * sample_rate // separator.grid_frames * separator.grid_frames)
    body = slice(start + context, start + context + 2 * sample_rate)
    stop = body.stop + context + 77
    samples = song((stop + sample_rate) / sample_rate, separator.channels or 2, sample_rate)
    whole = separator.separate(Mix(samples)).wanted[:, body]
    inside = body.start - start, body.stop - start
    if separator.remembers:
        separator.begin(sample_rate)
        before = Place(0, (0, body.start))
        separator.separate(Mix(samples[:, : body.start + context], place=before))
        found = separator.separate(Mix(samples[:, start:stop], place=Place(start, inside)))
    else:
        found = separator.separate(Mix(samples[:, start:stop]))
    part = found.wanted[:, slice(*inside)]
    if separator.remembers:  # rounding, remembered, stands out in the little that a network of speech leaves of a song
        assert level_db(part - whole, samples[:, body]) < -90
    else:
        assert level_db(part - whole, whole) < -60


def test_unknown_options_are_refused(separator):
    with pytest.raises(ValidationError):
        type(separator.options).model_validate({"no_such_option": 1})


def test_nearest_neighbours_equal_librosas():
    """Against scikit-learn's search in librosa, which orders by distance when asked for the distances."""
    import librosa

    magnitudes = np.random.default_rng(0).gamma(1.0, size=(500, 40)).astype(np.float32)
    count, width_steps = 9, 20
    theirs = librosa.segment.recurrence_matrix(
        magnitudes.T, k=count, width=width_steps, metric="cosine", mode="distance", sparse=True
    )
    ours = nn_filter.nearest(magnitudes, count, width_steps, reach_steps=500)
    for step, rows in enumerate(ours):
        assert set(rows) == set(theirs[:, step].nonzero()[0])


@pytest.mark.parametrize("count", [1, 6, 9])
def test_filter_and_mask_equal_librosas(count):
    import librosa
    import scipy.sparse

    magnitudes = np.random.default_rng(1).gamma(1.0, size=(600, 30)).astype(np.float32)
    neighbours = nn_filter.nearest(magnitudes, count, width_steps=5, reach_steps=80)
    links = np.zeros((600, 600), dtype=bool)
    for step, rows in enumerate(neighbours):
        assert rows.size == count
        assert np.abs(rows - step).min() >= 5
        assert np.abs(rows - step).max() <= 80
        links[step, rows] = True
    theirs = librosa.decompose.nn_filter(magnitudes, rec=scipy.sparse.csr_matrix(links), aggregate=np.median, axis=0)
    theirs = np.minimum(theirs, magnitudes)
    ours = nn_filter.repeating(magnitudes, neighbours)
    assert np.array_equal(ours, theirs)
    mask = nn_filter.soft_mask(magnitudes, ours, margin=3.0, exponent=2.0)
    expected = librosa.util.softmask(magnitudes - theirs, 3.0 * theirs, power=2)
    np.testing.assert_allclose(mask, expected, atol=1e-6)


def nearest_neighbour_filter(**options: float) -> nn_filter.Separator:
    built = nn_filter.Separator(nn_filter.Options(**options))
    built.begin(ANY_RATE_HZ)
    return built


def test_what_repeats_is_taken_away_and_what_does_not_is_kept():
    """A one-second bar over and over, and one sweep that never comes back: both known exactly."""
    time = np.arange(12 * ANY_RATE_HZ) / ANY_RATE_HZ
    bar = np.sin(2 * np.pi * 300 * 2 ** (np.floor(time % 1 * 8) / 12) * time) * np.exp(-6 * (time % 0.125))
    sweep = np.sin(2 * np.pi * (1500 * (time - 5) + 250 * (time - 5) ** 2)) * ((time > 5) & (time < 7))
    mix = (0.3 * bar + 0.3 * sweep)[np.newaxis].astype(np.float32)
    found = nearest_neighbour_filter(neighbours=5).separate(Mix(mix)).wanted[0]
    inside = (time > 5.1) & (time < 6.9)
    assert level_db(found[inside] - 0.3 * sweep[inside], 0.3 * sweep[inside]) < -12
    assert level_db(found[~inside & (abs(time - 6) > 1.1)], 0.3 * bar) < -25


def test_mask_does_not_depend_on_the_phase_between_channels():
    mono = song(6.0, 1, ANY_RATE_HZ)
    alone = nearest_neighbour_filter().separate(Mix(mono)).wanted[0]
    opposed = nearest_neighbour_filter().separate(Mix(np.concatenate([mono, -mono]))).wanted
    np.testing.assert_allclose(opposed, np.stack([alone, -alone]), atol=1e-6)


def test_a_clip_too_short_to_repeat_is_kept_whole():
    clip = song(1.5, 2, ANY_RATE_HZ)
    np.testing.assert_allclose(nearest_neighbour_filter().separate(Mix(clip)).wanted, clip, atol=1e-6)


def test_no_room_to_search_is_refused():
    with pytest.raises(ValidationError, match=r"width_s \(5 s\) must be less than reach_s \(4 s\)"):
        nn_filter.Options(width_s=5, reach_s=4)


def test_passthrough_gives_the_mix_itself():
    module = plugins.load("separators", "passthrough")
    mix = song(0.5, 2, ANY_RATE_HZ)
    wanted = module.Separator(module.Options()).separate(Mix(mix)).wanted
    assert np.array_equal(wanted, mix)
    assert not np.shares_memory(wanted, mix)
