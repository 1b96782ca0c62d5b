"""The contract over every denoiser that needs no download."""

import numpy as np
import pytest
from pydantic import ValidationError

from sepkit.config import plugins
from sepkit.denoisers.base import BaseDenoiser


def embedded() -> list[str]:
    """The denoisers whose weights, if any, come with an installed package."""
    modules = {name: plugins.load("denoisers", name) for name in plugins.names("denoisers")}
    catalogues = {name: getattr(module, "catalogue", tuple)() for name, module in modules.items()}
    return [name for name, files in catalogues.items() if all(file.url is None for file in files)]


def noisy_voice(seconds: float, sample_rate: int, seed: int = 0) -> np.ndarray:
    """Two rows: gliding harmonics in syllables with noise, and the same with other noise at another level."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(2 * np.pi * 0.31 * time + seed)) / sample_rate
    voice = sum(np.sin(h * phase) / h for h in range(1, 15)) * np.clip(np.sin(2 * np.pi * 1.7 * time), 0, 1)
    rows = np.array([[0.2], [0.05]]) * (voice + 0.1 * rng.standard_normal((2, time.size)))
    return rows.astype(np.float32)


@pytest.fixture(params=embedded(), scope="module")
def denoiser(request) -> BaseDenoiser:
    module = plugins.load("denoisers", request.param)
    built = module.Denoiser(module.Options())
    built.load("cpu")
    return built


def test_the_two_that_need_no_download_are_among_them():
    assert {"passthrough", "rnnoise"} <= set(embedded())


def test_same_input_same_output_whatever_came_between(denoiser):
    samples = noisy_voice(3.0, denoiser.sample_rate)
    given = samples.copy()
    first = denoiser.denoise(samples, 0.1)
    denoiser.denoise(noisy_voice(2.0, denoiser.sample_rate, seed=7), 0.1)
    assert np.array_equal(denoiser.denoise(samples, 0.1), first)
    assert np.array_equal(samples, given), "the input was changed"


def test_each_row_is_on_its_own(denoiser):
    samples = noisy_voice(2.0, denoiser.sample_rate)
    both = denoiser.denoise(samples, 0.1)
    assert np.array_equal(both[1:], denoiser.denoise(samples[1:], 0.1))


def test_silence_gives_silence(denoiser):
    silent = denoiser.denoise(np.zeros((2, denoiser.sample_rate), np.float32), 0.0)
    assert np.abs(silent).max() < 1e-7


@pytest.mark.parametrize("frames", [1, 2, 479, 481, 5000])
@pytest.mark.parametrize("kind", ["impulse", "full scale", "constant"])
def test_any_length_and_any_samples_give_finite_ones_of_the_same_shape(denoiser, frames, kind):
    samples = {
        "impulse": np.eye(1, frames, frames // 2),
        "full scale": np.where(np.arange(frames) // 50 % 2, 1.0, -1.0)[np.newaxis],
        "constant": np.full((1, frames), 0.5),
    }[kind].astype(np.float32)
    denoised = denoiser.denoise(samples, 0.5)
    assert denoised.shape == samples.shape
    assert denoised.dtype == np.float32
    assert np.isfinite(denoised).all()
    assert np.abs(denoised).max() <= 2 * np.abs(samples).max()


def test_a_stretch_with_its_context_gives_what_the_whole_gives(denoiser):
    sample_rate = denoiser.sample_rate
    context = int(np.ceil(denoiser.context_s * sample_rate))
    start = max(denoiser.grid_frames, sample_rate // denoiser.grid_frames * denoiser.grid_frames)
    body = slice(start + context, start + context + 2 * sample_rate)
    stop = body.stop + context + 77
    samples = noisy_voice((stop + sample_rate) / sample_rate, sample_rate)[:1]
    whole = denoiser.denoise(samples, 0.1)[:, body]
    part = denoiser.denoise(samples[:, start:stop], 0.1)[:, body.start - start : body.stop - start]
    difference_db = 10 * np.log10((np.mean((part - whole) ** 2.0) + 1e-30) / np.mean(whole**2.0))
    assert difference_db < -60


def test_unknown_options_are_refused(denoiser):
    with pytest.raises(ValidationError):
        type(denoiser.options).model_validate({"no_such_option": 1})


def test_rnnoise_gives_what_the_engine_gives_and_passthrough_the_input():
    from sepkit.models.rnnoise import RNNoise

    samples = noisy_voice(2.0, 48000)
    for name, expected in (("rnnoise", RNNoise().denoise(samples)), ("passthrough", samples)):
        module = plugins.load("denoisers", name)
        built = module.Denoiser(module.Options())
        built.load("cpu")
        assert np.array_equal(built.denoise(samples, 0.1), expected)
