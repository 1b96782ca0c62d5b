"""The member nmf: its factors against the updates' fixed point, its choice against the network on true sounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sepkit.models.prompted import bands
from sepkit.models.prompted.network import PromptedNet, Shape
from sepkit.models.prompts import SOUNDS
from sepkit.separators import nmf
from sepkit.separators.base import Mix

RATE_HZ = nmf.SAMPLE_RATE


@pytest.fixture(scope="module")
def network() -> PromptedNet:
    """Of random weights and running statistics that do something; it hears differences all the same."""
    torch.manual_seed(1)
    built = PromptedNet(Shape(SOUNDS, (4, 4, 8, 8), (1,))).eval()
    for module in built.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            module.running_mean.normal_(std=0.3)
    return built


def tone(hz: float, first_s: float, last_s: float) -> np.ndarray:
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    return (0.2 * np.sin(2 * np.pi * hz * time_s) * ((time_s >= first_s) & (time_s < last_s))).astype(np.float32)


def heard(network: PromptedNet, samples: np.ndarray) -> np.ndarray:
    """Mean over the tags in which a sound is there, (sounds,): by numpy on the network's logits."""
    with torch.inference_mode():
        X = bands.analyse(torch.from_numpy(samples[None]), nmf.FACTOR)[:, : bands.BINS]
        logits = network.likely(network.found(X)[1])[0].numpy()
        power = np.abs(X[0].numpy()).sum(0).reshape(logits.shape[0], -1).sum(1)
    likely = 1 / (1 + np.exp(-logits))
    return (likely * power[:, None]).sum(0) / power.sum()


def test_the_factors_are_a_fixed_point_of_the_updates_that_lessen_the_divergence():
    rng = np.random.default_rng(0)
    V = (rng.random((40, 3)) ** 3) @ (rng.random((3, 60)) ** 3) + 1e-3
    W, H = nmf.factors(V.astype(np.float32), 3, seed=0)
    V = V / V.max()
    moved = W.T @ (V / (W @ H)) / W.sum(0)[:, None]  # Lee & Seung 2000, eq. 5
    assert np.abs(H - H * moved).max() < 0.01 * H.max()
    assert np.abs(W @ H - V).mean() < 0.02 * V.mean()


def test_of_two_sounds_that_which_comes_nearer_to_the_prompt_is_chosen(network):
    low, high = tone(500, 0, 2), tone(3000, 2, 4)
    likely = [heard(network, sound) for sound in (low, high)]
    cosine = [each / np.linalg.norm(each) for each in likely]
    apart = cosine[0] - cosine[1]
    built = nmf.Separator(nmf.Options(prompt="sound", components=2))
    built.use(network, "cpu")
    for sound, wanted, other in ((SOUNDS[apart.argmax()], low, high), (SOUNDS[apart.argmin()], high, low)):
        built.ask(sound)
        found = built.separate(Mix((low + high)[None])).wanted[0]
        assert 20 * np.log10(np.linalg.norm(found - wanted) / np.linalg.norm(wanted)) < -15
        assert abs(found @ other) < 0.05 * (other @ other)


def test_a_pair_of_channels_keeps_its_place_and_silence_stays_silence(network):
    built = nmf.Separator(nmf.Options(prompt="rain", components=4))
    built.use(network, "cpu")
    built.ask("rain")
    mix = tone(500, 0, 2) + tone(3000, 1, 4)
    left, right = built.separate(Mix(np.stack([mix, 0.25 * mix]))).wanted
    assert np.abs(left).max() > 0.01
    np.testing.assert_allclose(right, 0.25 * left, atol=1e-6)
    assert not built.separate(Mix(np.zeros((1, RATE_HZ), np.float32))).wanted.any()
