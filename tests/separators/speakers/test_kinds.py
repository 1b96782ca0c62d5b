"""Each kind of network for several voices against what is known of it from elsewhere."""

import numpy as np
import pytest
import torch

from sepkit.separators._voices import spectra as _spectra
from sepkit.separators.speakers import networks
from sepkit.separators.speakers.networks import _depthwise, _local_norm, band_split, conv_tasnet, crm, tiger
from tests.separators.speakers.test_networks import noise, small


def parameters(kind, **sizes):
    network = networks.build(kind, networks.shape_of(kind)(**sizes))
    return sum(each.numel() for each in network.parameters())


def lstm(inside, hidden, biases=2):
    """Both directions; four gates. torch keeps two biases a gate, Keras one."""
    return 2 * 4 * hidden * (inside + hidden + biases)


def linear(inside, outside):
    return (inside + 1) * outside


@pytest.mark.parametrize("speakers", [2, 3])
def test_crm_has_the_layers_of_the_projects_own_model(speakers):
    """Counted from model_AO.py, which is in Keras: kernels, one bias a channel, two numbers a channel of each norm."""
    convolutions = [(2, 96, 1 * 7), (96, 96, 7 * 1)] + 12 * [(96, 96, 5 * 5)] + [(96, 8, 1)]
    kernels = sum(inside * outside * kernel + outside for inside, outside, kernel in convolutions)
    norms = sum(2 * outside for _, outside, _ in convolutions)
    keras = lstm(8 * 257, 400, biases=1) + linear(400, 600) + 2 * linear(600, 600) + linear(600, 257 * 2 * speakers)
    torchs_own = 2 * 4 * 400
    assert parameters("crm", speakers=speakers) == kernels + norms + keras + torchs_own
    layers = [layer[0] for layer in networks.build("crm", crm.Shape()).convolutions]
    assert [layer.kernel_size for layer in layers] == [(1, 7), (7, 1)] + 12 * [(5, 5)] + [(1, 1)]
    times = [1, 1, 1, 2, 4, 8, 16, 32, 1, 2, 4, 8, 16, 32, 1]
    bands = [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 1]
    assert [layer.dilation for layer in layers] == list(zip(times, bands, strict=True))


def test_crm_brings_its_masks_back_as_the_project_compresses_them():
    """A network whose last layer is a constant: O = K (1 − e^(−C M)) / (1 + e^(−C M)), for one mask M of all bins."""
    network, M = small("crm"), np.array([0.7, -0.2])
    compressed = 10 * (1 - np.exp(-0.1 * M)) / (1 + np.exp(-0.1 * M))
    with torch.no_grad():
        network.out.weight.zero_()
        network.out.bias.copy_(torch.tensor(compressed).repeat(257).repeat_interleave(2))  # bin, part, voice
        voices = network(noise(1, 16000))
        X = network.spectra.analyse(noise(1, 16000))
        expected = network.spectra.synthesise(X * complex(*M), 16000)
    torch.testing.assert_close(voices, expected[:, None].expand(-1, 2, -1), atol=1e-5, rtol=0)


def test_tiger_has_the_published_number_of_parameters():
    """The paper: 0.82 M, of the small model at 16 kHz, with 67 bands."""
    network = networks.build("tiger", tiger.Shape())
    assert len(network.widths) == 67 and sum(network.widths) == 321
    assert sum(each.numel() for each in network.parameters()) == pytest.approx(0.82e6, abs=0.005e6)


@torch.inference_mode()
def test_the_masks_of_tiger_make_the_mix_together():
    mix = noise(1, 16000)
    torch.testing.assert_close(small("tiger")(mix).sum(1), mix, atol=1e-5, rtol=0)


def test_conv_tasnet_has_the_parameters_of_the_papers_layers():
    """N L twice; a norm; N → B; R X blocks B → H, P taps, two PReLUs and norms, H → B out and skipped; B → C N."""
    N, L, B, H, P, X, R, C = 256, 32, 96, 192, 3, 8, 2, 2
    block = linear(B, H) + 2 * (1 + 2 * H) + (P + 1) * H + 2 * linear(H, B)
    unused = linear(H, B)  # what the last block would hand on
    expected = 2 * N * L + 2 * N + linear(N, B) + R * X * block - unused + 1 + linear(B, C * N)
    assert parameters("conv_tasnet") == expected == pytest.approx(1.0e6, abs=0.02e6)


@pytest.mark.parametrize(("bands", "channels"), [(16, 32), (24, 48)])
def test_band_split_has_the_parameters_of_its_layers(bands, channels):
    recurrent = 2 * channels + lstm(channels, channels) + linear(2 * channels, channels)
    widths = band_split.widths(bands, 512)
    mask = 2 * channels + linear(channels, 2 * channels)
    ends = sum(linear(3 * width, channels) + mask + linear(2 * channels, 8 * width) for width in widths)
    assert parameters("band_split", bands=bands, channels=channels, hidden=channels) == 4 * 2 * recurrent + ends


@pytest.mark.parametrize("bands", [4, 16, 24])
def test_bands_are_equally_wide_to_the_ear(bands):
    import librosa

    widths = band_split.widths(bands, 512)
    edges_hz = librosa.mel_to_hz(np.linspace(0, librosa.hz_to_mel(8000, htk=True), bands + 1), htk=True)
    assert sum(widths) == 257
    np.testing.assert_allclose(np.cumsum(widths)[:-1], edges_hz[1:-1] / 31.25, atol=0.5)


@pytest.mark.parametrize(("taps", "stride", "dilation"), [(3, 1, 1), (3, 1, 4), (5, 2, 1), (1, 1, 1)])
def test_a_depthwise_convolution_is_torchs_own_with_groups(taps, stride, dilation):
    own = _depthwise.Depthwise(6, taps, stride, dilation)
    x = torch.randn(2, 31, 6, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.conv1d(
        x.mT, own.weight[:, None], own.bias, stride, (taps - 1) // 2 * dilation, dilation, groups=6
    ).mT
    torch.testing.assert_close(own(x), expected)


def test_the_norm_of_the_time_around_is_that_of_all_time_where_it_reaches_it_all():
    x = 3 + torch.randn(2, 40, 6, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.layer_norm(x, x.shape[1:])
    torch.testing.assert_close(_local_norm.LocalNorm(6, 40)(x), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("fft", "hop", "frames"), [(512, 256, 4000), (640, 160, 1), (512, 160, 777)])
def test_spectra_are_numpys_and_give_back_what_they_took(fft, hop, frames):
    samples, window = noise(2, frames), torch.hann_window(fft).sqrt()
    spectra = _spectra.Spectra(fft, hop, window, 3)
    X = spectra.analyse(samples)
    assert X.shape[-1] % 3 == 0 and (X.shape[-1] - 3) * hop < frames <= X.shape[-1] * hop
    padded = np.pad(samples.numpy(), ((0, 0), (fft, 2 * fft)))
    step = min(5, X.shape[-1] - 1)
    start = fft + step * hop + hop // 2 - fft // 2
    expected = np.fft.rfft(padded[:, start : start + fft] * window.numpy())
    np.testing.assert_allclose(X[..., step].numpy(), expected, atol=1e-4)
    torch.testing.assert_close(spectra.synthesise(X, frames), samples, atol=1e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["band_split", "conv_tasnet", "tiger"])
def test_a_louder_mix_gives_louder_voices_and_no_others(kind):
    network, mix = small(kind), noise(1, 16000)
    torch.testing.assert_close(network(10 * mix) / 10, network(mix), atol=2e-4, rtol=0)


def test_the_reach_of_the_shipped_shapes_is_a_few_seconds():
    """By hand: 2 s and three halves and half a second; 2 × 255 ms and half a second; 9 × 0.8 s and half a second."""
    reach_s = {
        kind: networks.build(kind, networks.shape_of(kind)()).reach_frames / 16000
        for kind in ("band_split", "conv_tasnet", "tiger")
    }
    assert reach_s == {
        "band_split": pytest.approx(2 + 3 * 1 + 0.5, abs=0.1),
        "conv_tasnet": pytest.approx(2 * 0.255 + 0.5, abs=0.01),
        "tiger": pytest.approx(9 * 0.8 + 0.5, abs=0.05),
    }
    assert conv_tasnet.TAPS == 3
