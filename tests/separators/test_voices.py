"""Voices of segments: their level, their order, and how they are joined, on sounds that are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from sepkit.separators._batches import Batches
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators._voices import level, segments
from sepkit.separators.base import Place

RATE_HZ = 8000
SECONDS = 2
OVERLAP = 0.25
STRIDE = int((1 - OVERLAP) * SECONDS * RATE_HZ)
LOW_HZ, HIGH_HZ = 500, 1500


def noise(voices: int, frames: int = RATE_HZ) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((voices, frames)).astype(np.float32))


def difference_db(found: torch.Tensor, expected: torch.Tensor) -> float:
    error = (found - expected).double().square().sum() / expected.double().square().sum()
    return float(10 * torch.log10(error + 1e-30))


@pytest.mark.parametrize("scales", [(1, 1), (-5, 0.01), (1e-4, 300), (2, -3, 0.5)])
def test_each_voice_is_as_loud_as_in_the_mix_whatever_the_network_gave(scales):
    voices = noise(len(scales)) * torch.tensor([[0.1], [0.03], [0.3]][: len(scales)])
    found = level.levelled(voices * torch.tensor(scales, dtype=torch.float32)[:, None], voices.sum(0, keepdim=True))
    for one, other in zip(found, voices, strict=True):
        assert difference_db(one, other) < -30  # chance makes voices a little alike


def test_gains_are_those_of_least_squares_drawn_to_each_other():
    """As numpy solves it, with the gains and what they have in common as unknowns."""
    voices, mix = noise(3) * torch.tensor([[1.0], [3.0], [0.2]]), noise(1).flip(1)
    v, x = voices.double().numpy(), mix[0].double().numpy()
    lengths = np.linalg.norm(v, axis=1)
    drawn = np.sqrt(level.ALIKE) * np.concatenate([np.diag(lengths), -lengths[:, None]], axis=1)
    rows = np.concatenate([np.concatenate([v.T, np.zeros((x.size, 1))], axis=1), drawn])
    gains = np.linalg.lstsq(rows, np.concatenate([x, np.zeros(3)]), rcond=None)[0][:3]
    np.testing.assert_allclose(level.levelled(voices, mix).numpy(), gains[:, None] * v, rtol=1e-5, atol=1e-6)


def test_voices_whose_gains_are_alike_lose_nothing():
    voices = noise(2)
    found = level.levelled(0.5 * voices, voices.sum(0, keepdim=True))
    np.testing.assert_allclose(found, voices, atol=1e-5)


@pytest.mark.parametrize("scale", [1, -4, 0.01])
def test_where_one_speaks_a_faint_copy_in_the_other_voice_stays_faint(scale):
    voice, more = noise(2).split(1)
    copy = 0.03 * voice + 0.0003 * more
    one, other = level.levelled(scale * torch.cat([voice, copy]), voice)
    assert difference_db(one, voice[0]) < -30
    assert other.norm() < 0.04 * voice.norm()


def test_two_voices_that_are_one_share_it_as_they_came_and_silence_stays_silence():
    voice = noise(1)
    found = level.levelled(torch.cat([voice, 2 * voice]), voice)
    np.testing.assert_allclose(found, torch.cat([voice / 3, 2 * voice / 3]), atol=1e-5)
    assert not level.levelled(torch.cat([voice, voice]), 0 * voice).any()
    assert not level.levelled(torch.cat([0 * voice, 0 * voice]), voice).any()
    assert not level.levelled(torch.cat([voice, 0 * voice]), voice)[1].any()
    assert level.levelled(torch.cat([voice, -voice]), voice).isfinite().all()


def test_a_network_that_gives_no_numbers_is_seen():
    voices = noise(2)
    voices[0, 5] = torch.nan
    assert not level.levelled(voices, noise(1)).isfinite().all()


@pytest.mark.parametrize("mixed", [*itertools.permutations(range(3))])
def test_the_order_is_that_which_agrees(mixed):
    voices = noise(3)
    faint = voices * torch.tensor([[1.0], [0.1], [0.01]])
    assert segments.order(faint, faint[list(mixed)] + 0.001 * noise(3).flip(1)) == [
        mixed.index(each) for each in range(3)
    ]


def test_of_silence_the_order_stays():
    assert segments.order(0 * noise(2), 0 * noise(2)) == [0, 1]


class Halves:
    """A network that gives what lies below 1 kHz and above, in another order and at another scale each time."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        X = torch.fft.rfft(x[:, 0])
        low = torch.fft.rfftfreq(x.shape[-1], 1 / RATE_HZ) < 1000
        voices = [torch.fft.irfft(X * part, x.shape[-1]) for part in (low, ~low)]
        self.runs += 1
        scaled = [voices[0] * 3, voices[1] * -0.2] if self.runs % 2 else [voices[1] * 7, voices[0]]
        return torch.stack(scaled, 1)[:, None]


def sounds(seconds: float) -> torch.Tensor:
    """Two tones, each a whole number of turns in every quarter of a second, and one of them comes and goes."""
    time_s = torch.arange(round(seconds * RATE_HZ), dtype=torch.float64) / RATE_HZ
    swell = 1 + 0.5 * torch.sin(2 * torch.pi * 4 * time_s)
    tones = torch.stack([0.1 * torch.sin(2 * torch.pi * hz * time_s) for hz in (LOW_HZ, HIGH_HZ)])
    return (tones * torch.stack([swell, torch.ones_like(swell)])).float()


def parted(mix: torch.Tensor, network: Halves, place: Place | None = None, kept: Kept | None = None) -> torch.Tensor:
    length = SECONDS * RATE_HZ
    expert = Expert(0, 1.0, 0, network, length, lambda frames: frames, spared=round(OVERLAP * length))
    return segments.estimate(mix, Run(expert, 0, 1.0), OVERLAP, Batches("cpu", False), place, kept or Kept())


@pytest.mark.parametrize("seconds", [0.25, 2, 2.25, 3.5, 11.75])
def test_voices_of_segments_are_one_voice_each_at_its_level(seconds):
    """Each segment is levelled by itself and put in the order of the one before: the tones come out whole."""
    voices = sounds(seconds)
    found = parted(voices.sum(0, keepdim=True), Halves())
    for one, other in zip(found, voices, strict=True):
        assert difference_db(one, other) < -59  # what is lost where gains are not alike, 0.009 dB


def test_stretches_go_on_in_the_order_of_those_before_and_run_each_segment_once():
    voices, network, kept = sounds(13.25), Halves(), Kept()
    mix = voices.sum(0, keepdim=True)
    middle = 6 * RATE_HZ
    first = parted(mix[:, : middle + 3 * RATE_HZ], network, Place(0, (0, middle), again=RATE_HZ), kept)
    begin = 2 * STRIDE
    rest = Place(begin, (middle - RATE_HZ - begin, mix.shape[1] - begin), last=True)
    second = parted(mix[:, begin:], network, rest, kept)
    for found, expected in ((first[:, :middle], voices[:, :middle]), (second[:, middle - begin :], voices[:, middle:])):
        for one, other in zip(found, expected, strict=True):
            assert difference_db(one, other) < -59
    assert network.runs == len(range(0, mix.shape[1] - SECONDS * RATE_HZ // 4, STRIDE))
