"""The losses against their formulas in numpy, their gradients against finite differences."""

import numpy as np
import pytest
import torch

from sepkit.training.losses import scale_free_loss, spectral_losses, waveform_loss


def signals(seed=0, shape=(3, 400)):
    rng = np.random.default_rng(seed)
    speech, rest, error = rng.standard_normal((3, *shape))
    return speech + 0.3 * error, speech, speech + rest


def test_waveform_loss_is_its_formula():
    estimate, speech, mix = signals()
    error = ((estimate - speech) ** 2).sum(1) / (mix**2).sum(1)
    expected = np.mean(10 * np.log10(error + 10**-3.8))
    ours = waveform_loss(*map(torch.from_numpy, (estimate, speech, mix)), floor_db=38.0)
    assert float(ours) == pytest.approx(expected, abs=1e-6)


def test_a_perfect_estimate_reaches_the_floor_and_no_more():
    _, speech, mix = signals()
    perfect = waveform_loss(*map(torch.from_numpy, (speech, speech, mix)), floor_db=30.0)
    assert float(perfect) == pytest.approx(-30.0, abs=1e-9)


def test_the_waveform_loss_knows_no_level():
    estimate, speech, mix = signals()
    loud, quiet = (
        float(waveform_loss(*(torch.from_numpy(gain * each) for each in (estimate, speech, mix)), floor_db=38.0))
        for gain in (1.0, 0.05)
    )
    assert quiet == pytest.approx(loud, abs=1e-5)


def test_the_scale_free_loss_is_minus_the_si_sdr():
    estimate, speech, _ = signals()
    target = (estimate * speech).sum(1, keepdims=True) / (speech**2).sum(1, keepdims=True) * speech
    si_sdr = np.mean(10 * np.log10((target**2).sum(1) / ((estimate - target) ** 2).sum(1)))
    for gain in (1.0, -0.02):
        ours = scale_free_loss(torch.from_numpy(gain * estimate), torch.from_numpy(speech), floor_db=90.0)
        assert float(ours) == pytest.approx(-si_sdr, abs=1e-4)


def test_the_scale_free_loss_is_bounded_and_leaves_out_what_is_not_there():
    _, speech, _ = (torch.from_numpy(each) for each in signals())
    elsewhere = speech.flip(0).roll(1, 1)
    elsewhere -= (elsewhere * speech).sum(1, keepdim=True) / speech.square().sum(1, keepdim=True) * speech
    bound = 10 * np.log10(1 + 10**-2.5) + 25.0
    assert float(scale_free_loss(elsewhere, speech, 25.0)) == pytest.approx(bound, abs=1e-6)
    assert float(scale_free_loss(speech, speech, 25.0)) == pytest.approx(-bound, abs=1e-6)
    assert float(scale_free_loss(speech, 0 * speech, 25.0)) == 0.0


def spectra(seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 2, 5, 7)) + 1j * rng.standard_normal((2, 2, 5, 7))


def test_spectral_losses_are_their_formulas():
    V, S = spectra()
    level = np.array([0.7, 2.0])
    v, s = ((each / level[:, None, None]) for each in (V, S))
    v, s = ((np.abs(each) ** 0.3 * np.exp(1j * np.angle(each))) for each in (v, s))
    magnitude, difference = spectral_losses(*map(torch.from_numpy, (V, S, level)))
    assert float(magnitude) == pytest.approx(np.mean((np.abs(v) - np.abs(s)) ** 2), rel=1e-4)
    assert float(difference) == pytest.approx(np.mean(np.abs(v - s) ** 2), rel=1e-4)


def test_gradients_agree_with_finite_differences():
    estimate, speech, mix = (torch.from_numpy(each) for each in signals(shape=(2, 12)))
    estimate.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: waveform_loss(x, speech, mix, 38.0), estimate)
    assert torch.autograd.gradcheck(lambda x: scale_free_loss(x, speech, 38.0), estimate)
    V, S = (torch.from_numpy(each) for each in spectra())
    V.requires_grad_()
    level = torch.tensor([0.7, 2.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: spectral_losses(x, S, level), V)


def test_gradients_at_silence_are_finite():
    V = torch.zeros((1, 3, 4), dtype=torch.complex64, requires_grad=True)
    sum(spectral_losses(V, torch.ones_like(V), torch.ones(1))).backward()
    assert torch.isfinite(torch.view_as_real(V.grad)).all()
