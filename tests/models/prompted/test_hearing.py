"""Tags of a source: windowed equals whole, channels, rates, silence, and that memory does not follow the length."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from sepkit.audio.read import Source, audio_source
from sepkit.audio.resample import resample
from sepkit.audio.samples import Audio
from sepkit.models.prompted import bands, hearing
from sepkit.models.prompted.hearing import BODY_S, CONTEXT_S, TAG_S, hear
from tests.models.prompted.networks import random_network, tone_network, tones

RATE = bands.SAMPLE_RATE
DOG, RAIN, SIREN = range(3)


@pytest.fixture(scope="module")
def network():
    return tone_network()


def whole(heard):
    """All tags together; that they follow each other is checked."""
    heard = list(heard)
    for before, after in pairwise(heard):
        assert after.first == before.first + len(before.likely)
    return np.concatenate([each.likely for each in heard])


def logits(likely):
    return np.log(likely / (1 - likely))


@pytest.mark.parametrize("rate", [16_000, 44_100, 44_101])
def test_windows_hear_what_the_whole_hears(rate):
    network = random_network()
    rng = np.random.default_rng(0)
    swell = 0.2 + np.sin(np.arange(25 * rate) / rate * 2) ** 2
    source = audio_source(Audio(0.1 * rng.standard_normal((1, swell.size)) * swell, rate))
    at_once, cut = (logits(whole(hear(network, source, body_s=body_s))) for body_s in (60, 8))
    assert at_once.shape == (-(-25 * RATE // bands.TAG_FRAMES), 53)
    assert np.abs(cut - at_once).max() < 1e-5
    # Without what stands before and after, it would be heard otherwise.
    bare = logits(hearing.likely(network, resample(source.read(8 * rate, 8 * rate), rate, RATE)))[:125]
    assert np.abs(bare - at_once[125:250]).max() > 1e-2


def test_the_context_reaches_as_far_as_the_encoder_hears():
    """A gradient says which samples a tag depends on."""
    network = random_network()
    samples = torch.from_numpy(tones(RATE, 8)).requires_grad_()
    network.likely(network.found(bands.analyse(samples))[1])[0, 60].sum().backward()
    heard = np.flatnonzero(samples.grad[0].numpy())
    before_s, after_s = 60 * TAG_S - heard[0] / RATE, heard[-1] / RATE - 61 * TAG_S
    assert 2.0 < max(before_s, after_s) < CONTEXT_S - 0.02


def test_part_of_a_source(network):
    source = audio_source(Audio(tones(RATE, 20, ("dog", 10, 11)), RATE))
    all_tags = whole(hear(network, source))
    first, stop = round(9.7 * RATE), round(11.3 * RATE)
    (heard,) = hear(network, source, (first, stop))
    assert heard.first == int(9.7 / TAG_S) and len(heard.likely) == int(11.3 / TAG_S) + 1 - heard.first
    np.testing.assert_allclose(heard.likely, all_tags[heard.first :][: len(heard.likely)], atol=1e-4)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (22_050, 2), (44_101, 1), (48_000, 6), (192_000, 2)])
def test_any_rate_and_channels(network, rate, channels):
    samples = np.zeros((channels, 4 * rate), np.float32)
    samples[-1] = tones(rate, 4, ("siren", 1, 2))[0]  # in one channel of several
    found = whole(hear(network, audio_source(Audio(samples, rate))))
    likely = np.flatnonzero(found[:, SIREN] > 0.5) * TAG_S
    assert likely[0] == pytest.approx(1, abs=0.1) and likely[-1] + TAG_S == pytest.approx(2, abs=0.1)
    assert found[:, [DOG, RAIN]].max() < 0.1


def test_opposed_channels_are_heard_as_their_mean(network):
    tone = tones(RATE, 3, ("dog", 1, 2), noise=0)
    heard = whole(hear(network, audio_source(Audio(np.concatenate([tone, -tone]), RATE))))
    assert not heard.any()


def counted(network, source):
    """How often the encoder runs."""
    runs = []
    hook = network.gather.register_forward_hook(lambda *_: runs.append(1))
    found = whole(hear(network, source))
    hook.remove()
    return len(runs), found


def test_silence_costs_nothing(network):
    loud = tones(RATE, 200, ("dog", 70, 71), noise=0)
    runs, found = counted(network, audio_source(Audio(loud, RATE)))
    assert runs == 1 and found[round(70.5 / TAG_S), DOG] > 0.9
    quiet = np.abs(loud).max(axis=0) == 0
    silent = [quiet[tag * bands.TAG_FRAMES :][: bands.TAG_FRAMES].all() for tag in range(len(found))]
    assert np.count_nonzero(silent) > 3000 and not found[silent].any()
    rng = np.random.default_rng(0)
    dither = (rng.random((1, 10 * RATE)) + rng.random((1, 10 * RATE)) - 1).round() / 2**15  # of 16 bits
    assert counted(network, audio_source(Audio(dither.astype(np.float32), RATE)))[0] == 0


def test_what_is_faint_but_not_silent_is_heard(network):
    faint = tones(RATE, 3, ("dog", 1, 2), noise=0) * np.float32(10 ** (-70 / 20))
    assert whole(hear(network, audio_source(Audio(faint, RATE))))[round(1.5 / TAG_S), DOG] > 0.9


def test_a_long_source_is_read_in_windows(network):
    """Ten hours that lie nowhere: what is asked of them at a time is a body and its context."""
    sizes = []

    def fetch(start, frames):
        sizes.append(frames)
        return np.zeros((1, frames), np.float32)

    info = dataclasses.replace(audio_source(Audio(np.zeros((1, 1)), RATE)).info, frames=36_000 * RATE)
    source = Source(info, fetch)
    read, sizes_of_reads = source.read, []
    source.read = lambda *asked: sizes_of_reads.append(asked[1]) or read(*asked)
    tags = sum(len(each.likely) for each in hear(network, source))
    assert tags == 36_000 * RATE // bands.TAG_FRAMES
    assert max(sizes_of_reads) <= (BODY_S + 2 * CONTEXT_S + TAG_S) * RATE
    assert sum(sizes) <= 1.1 * info.frames


def test_one_frame_is_heard(network):
    assert whole(hear(network, audio_source(Audio(np.full((1, 1), 0.5), 48_000)))).shape == (1, 3)
