"""The original U-Net: its sizes counted by hand, FiLM and target against numpy, a step against torch's own Adam."""

import copy

import numpy as np
import pytest
import torch

from sepkit.errors import ConfigError
from sepkit.models.prompted.network import Told
from sepkit.models.prompted.unet import PIECE_STEPS, Shape, UNet
from sepkit.models.prompts import table
from sepkit.training.loop import Trainer
from sepkit.training.run import make_text_task
from sepkit.training.text_config import TextConfig
from sepkit.training.unet import ideal

LABELS = ("dog", "rain", "siren")
TINY = TextConfig.model_validate(
    {
        "learning_rate": 1e-3,
        "warm_up_steps": 0,
        "plateau": {},
        "betas": [0.9, 0.999],
        "weight_decay": 0,
        "clip_gradient": 100,
        "precision": "float32",
        "average": 0,
        "mixes": {"segment_s": 1.0},
        "network": {"kind": "unet", "channels": [2, 3, 4, 5]},
    }
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return UNet(Shape(6, (2, 3, 4, 5))).eval()


def spectrum(steps, seed=0, batch=1):
    return torch.randn(batch, 513, steps, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def test_the_original_has_as_many_parameters_as_its_sizes_say():
    def convolution(inputs, outputs):  # 3 × 3 without bias, and the batch norm's scale and shift
        return 9 * inputs * outputs + 2 * outputs

    channels, words = (64, 128, 256, 512), 160
    count = 0
    for inputs, outputs in zip((1, *channels), channels, strict=False):
        count += convolution(inputs, outputs) + convolution(outputs, outputs)
    for inputs, outputs in ((512, 256), (256, 128), (128, 64)):
        count += convolution(inputs + outputs, outputs) + convolution(outputs, outputs)
        count += 2 * (words + 1) * 2 * outputs  # a scale and a shift a channel, of either convolution
    count += 64 + 1
    assert sum(each.numel() for each in UNet(Shape(words)).parameters()) == count == 8_073_089


@pytest.mark.parametrize("steps", [1, 24, 61])
def test_the_mask_has_a_part_for_each_bin_and_step(network, steps):
    mask = network.mask(spectrum(steps, batch=2), torch.randn(2, 6))
    assert mask.shape == (2, 513, steps)
    assert 0 < float(mask.min()) <= float(mask.max()) < 1
    assert torch.equal(mask[:, 512], mask[:, 511])


def test_words_scale_and_shift_the_channels_of_the_decoder_alone(network):
    X, seen = spectrum(16), []
    for layer in network.down:
        layer.register_forward_hook(lambda _, __, output: seen.append(output))
    one, other = (network.mask(X, torch.full((1, 6), value)) for value in (0.0, 1.0))
    assert not torch.allclose(one, other)
    assert len(seen) == 8 and all(map(torch.equal, seen[:4], seen[4:]))
    layer, x = Told(2, 3, 4).eval(), torch.randn(1, 2, 5, 7)
    words = np.array([0.5, -1.0, 2.0, 0.1])
    plain = layer.norm(layer.convolution(x)).detach().numpy()[0]
    scale, shift = np.split(layer.asked.weight.detach().numpy() @ words + layer.asked.bias.detach().numpy(), 2)
    expected = np.maximum(plain * (1 + scale[:, None, None]) + shift[:, None, None], 0)
    found = layer(x, torch.tensor(words[None], dtype=torch.float32)).detach().numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_pieces_give_what_the_whole_gives(network):
    X, told = spectrum(2 * PIECE_STEPS + 100), torch.randn(1, 6)
    X[..., :PIECE_STEPS] *= 100  # the normalisation is fixed: what is loud elsewhere changes nothing
    torch.testing.assert_close(network.answer(X, told), network.mask(X, told), rtol=0, atol=1e-5)


def test_the_target_is_the_ideal_ratio_mask():
    S, N = (np.array(each, np.complex64) for each in ([3j, 0, 1, 0], [4, 2j, -1j, 0]))
    expected = [3 / 7, 0, 0.5, 0]
    np.testing.assert_allclose(ideal(*map(torch.from_numpy, (S + N, S))), expected, atol=1e-6)


def test_one_step_is_that_of_adam_on_the_mean_absolute_error(tmp_path):
    task = make_text_task(TINY, LABELS, False)
    rng = np.random.default_rng(0)
    target, rest = 0.1 * rng.standard_normal((2, 2, 16000)).astype(np.float32)
    asked = np.eye(3, dtype=np.float32)[[2, 0]]
    twin = copy.deepcopy(task.network)
    given = tuple(map(torch.from_numpy, (target + rest, target, asked, np.zeros((2, 3, 17), np.float32))))
    losses = Trainer(TINY, task, None, None, tmp_path, "cpu")._learn(given)

    def magnitudes(samples):
        padded = np.pad(samples, ((0, 0), (0, 17 * 1024 - 16000)))
        padded = np.pad(padded, ((0, 0), (512, 512)), mode="reflect")
        views = np.lib.stride_tricks.sliding_window_view(padded, 1024, axis=1)[:, ::256][:, :68]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
        return np.fft.rfft(views * window).transpose(0, 2, 1).astype(np.complex64)

    X, S, N = map(magnitudes, (target + rest, target, rest))
    wanted = np.abs(S) / np.maximum(np.abs(S) + np.abs(N), 1e-8)
    words = np.stack([table.load().vector(LABELS[index]) for index in (2, 0)])
    adam = torch.optim.Adam(twin.parameters(), lr=1e-3)
    loss = (twin.train().mask(torch.from_numpy(X), torch.from_numpy(words)) - torch.from_numpy(wanted)).abs().mean()
    loss.backward()
    adam.step()
    assert losses == {"loss": pytest.approx(float(loss), rel=1e-4)}
    moved = 0.0
    for (name, one), other in zip(task.network.named_parameters(), twin.parameters(), strict=True):
        # Adam's first step is 1e-3 wherever there is a gradient: its sign alone counts, which may be that of rounding.
        assert float((one - other).abs().median()) < 1e-5, name
        moved = max(moved, float((one - other).abs().max()))
    assert moved <= 2e-3


def test_a_label_without_a_known_word_is_one_line():
    with pytest.raises(ConfigError, match="label '犬': has no word that the table of prompts knows"):
        make_text_task(TINY, ("dog", "犬"), False)
