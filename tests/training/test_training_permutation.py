"""Losses of voices in any order: against their formulas in numpy, every order tried by hand; silent targets."""

from itertools import permutations

import numpy as np
import pytest
import torch

from sepkit.training import permutation
from sepkit.training.speakers import SpeakersTask
from sepkit.training.speakers_config import SpeakersConfig
from tests.training.voices_made_up import NETWORK

FLOOR_DB = 30.0


def voices(count=2, seed=0, batch=3, frames=4000):
    rng = np.random.default_rng(seed)
    targets = 0.1 * rng.standard_normal((batch, count, frames))
    estimates = targets[:, ::-1] + 0.05 * rng.standard_normal((batch, count, frames))
    return estimates, targets, targets.sum(1)


def tensors(*arrays):
    return tuple(torch.from_numpy(np.ascontiguousarray(each)) for each in arrays)


def waveform_db(e, s, x):
    return 10 * np.log10(((e - s) ** 2).sum() / (x**2).sum() + 10 ** (-FLOOR_DB / 10))


def negative_si_sdr_db(e, s, _):
    e, s = e - e.mean(), s - s.mean()
    along = (e @ s) / (s @ s) * s
    return -10 * np.log10((along @ along) / ((e - along) @ (e - along)))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    ("pairs", "one"),
    [(permutation.waveform_pairs, waveform_db), (permutation.si_sdr_pairs, negative_si_sdr_db)],
    ids=["waveform", "si_sdr"],
)
def test_the_best_order_is_that_of_all_orders_tried_in_numpy(count, pairs, one):
    estimates, targets, mix = voices(count)
    loss, order = permutation.best(pairs(*tensors(estimates, targets, mix), FLOOR_DB))
    for row in range(len(mix)):
        tried = {
            each: np.mean([one(estimates[row, each[s]], targets[row, s], mix[row]) for s in range(count)])
            for each in permutations(range(count))
        }
        wanted = min(tried, key=tried.__getitem__)
        assert tuple(order[row].tolist()) == wanted == tuple(range(count))[::-1]
        assert float(loss[row]) == pytest.approx(tried[wanted], abs=1e-6)
    ordered = permutation.ordered(torch.from_numpy(estimates), order)
    np.testing.assert_array_equal(ordered.numpy(), estimates[:, ::-1])


@pytest.mark.parametrize("count", [2, 3])
def test_the_losses_do_not_change_when_the_targets_are_permuted(count):
    """Every loss at once, in float32 and through a network, to 1e-6; that of a fixed order does change."""
    weights = {"waveform": 1, "si_sdr": 0.5, "spectrum": 2, "masks": 1}
    config = SpeakersConfig.model_validate({"network": {**NETWORK, "speakers": count}, "loss": weights})
    task = SpeakersTask(config)
    _, targets, mix = (each.float() for each in tensors(*voices(count, frames=8000)))
    with torch.no_grad():
        plain = task.losses(task.network, (mix, targets))
        assert set(plain) == {"loss", *weights}
        for order in permutations(range(count)):
            swapped = task.losses(task.network, (mix, targets[:, order]))
            for name, value in plain.items():
                assert float(swapped[name]) == pytest.approx(float(value), abs=1e-6), (name, order)
        fixed = [
            permutation.waveform_pairs(task.network(mix), each, mix, FLOOR_DB).diagonal(dim1=1, dim2=2).mean()
            for each in (targets, targets.flip(1))
        ]
    assert abs(float(fixed[0] - fixed[1])) > 1e-4


def test_a_silent_target_asks_for_silence():
    """The loss against it is the energy left, over the mix; where nothing is left it is the floor."""
    estimates, targets, mix = voices()
    targets[:, 1], mix = 0, targets[:, 0]
    for pairs in (permutation.waveform_pairs, permutation.si_sdr_pairs):
        found = pairs(*tensors(estimates, targets, mix), FLOOR_DB).numpy()
        for row, estimate in np.ndindex(3, 2):
            left = 10 * np.log10((estimates[row, estimate] ** 2).sum() / (mix[row] ** 2).sum() + 1e-3)
            assert found[row, estimate, 1] == pytest.approx(left, abs=1e-5)
        silent = pairs(*tensors(0 * estimates, targets, mix), FLOOR_DB).numpy()
        np.testing.assert_allclose(silent[:, :, 1], -FLOOR_DB, atol=1e-5)


@pytest.mark.parametrize("name", ["waveform", "si_sdr", "spectrum", "masks"])
def test_silence_of_all_teaches_without_a_nan(name):
    task = SpeakersTask(SpeakersConfig.model_validate({"network": NETWORK, "loss": {"waveform": 0, name: 1}}))
    mix = torch.zeros(2, 8000)
    mix[1] = 0.1 * torch.randn(8000, generator=torch.Generator().manual_seed(0))
    targets = torch.stack([mix, 0 * mix], 1)
    task.losses(task.network, (mix, targets))["loss"].backward()
    for parameter in task.network.parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all()
    assert any(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in task.network.parameters())


def test_spectral_losses_are_their_formulas():
    """By scipy's transform; on one pair."""
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    estimates, targets, mix = voices(batch=1)
    transform = ShortTimeFFT(hann(512, sym=False), 160, 16000)

    def spectrum(x):
        return transform.stft(x, p0=0, p1=1 + x.size // 160)

    X, V, S = spectrum(mix[0]), spectrum(estimates[0, 1]), spectrum(targets[0, 0])
    level = np.sqrt((np.abs(X) ** 2).mean())
    compressed = [each / level * ((np.abs(each) / level) ** 2 + 1e-6) ** -0.35 for each in (V, S)]
    expected = (np.abs(compressed[0] - compressed[1]) ** 2).mean()
    found = permutation.spectrum_pairs(*tensors(estimates, targets, mix))
    assert float(found[0, 1, 0]) == pytest.approx(expected, rel=1e-5)
    power = np.abs(X) ** 2
    M, ideal = (each * X.conj() / (power + 1e-6 * power.mean() + 1e-12) for each in (V, S))
    real, imaginary = (
        (10 * np.tanh(0.05 * M.real) - 10 * np.tanh(0.05 * ideal.real)),
        (10 * np.tanh(0.05 * M.imag) - 10 * np.tanh(0.05 * ideal.imag)),
    )
    found = permutation.mask_pairs(*tensors(estimates, targets, mix))
    assert float(found[0, 1, 0]) == pytest.approx((real**2 + imaginary**2).mean(), rel=1e-5)
