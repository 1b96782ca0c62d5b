"""What every network for several voices keeps: shape, finite reach, batch, silence, gradients, level."""

import json
from dataclasses import asdict

import pytest
import torch

from sepkit.separators.speakers import networks

SMALL = {
    "band_split": {"bands": 4, "channels": 8, "hidden": 8, "blocks": 3, "chunk_steps": 9},
    "compact_pair": {"channels": (8, 8, 8), "hidden": 16, "across": 16, "dilations": (1, 2)},
    "conv_tasnet": {"filters": 16, "channels": 8, "hidden": 8, "layers": 3},
    "crm": {"convolutions": 4, "channels": 4, "lstm": 8, "full": 16},
    "tiger": {"channels": 12, "hidden": 12, "rounds": 2, "scales": 2, "heads": 2, "query": 2, "chunk_steps": 16},
}
"""So small that their reach fits into seconds; the constants of their form are those of full size."""
LOUD = 0.1


def small(kind, speakers=2):
    torch.manual_seed(0)
    shape = networks.shape_of(kind)(**SMALL[kind], speakers=speakers)
    return networks.build(kind, shape).eval()


def noise(batch, frames, seed=0):
    return LOUD * torch.randn(batch, frames, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=SMALL)
def kind(request):
    return request.param


@torch.inference_mode()
@pytest.mark.parametrize(("speakers", "frames"), [(2, 16001), (3, 800), (2, 1)])
def test_each_voice_is_as_long_as_the_mix(kind, speakers, frames):
    voices = small(kind, speakers)(noise(2, frames))
    assert voices.shape == (2, speakers, frames)
    assert torch.isfinite(voices).all()
    assert frames == 1 or (voices[:, 0] - voices[:, 1]).abs().max() > 1e-3 * LOUD


@torch.inference_mode()
def test_a_sample_depends_on_nothing_beyond_the_reach_and_on_much_within(kind):
    network = small(kind)
    at, reach = 2 * network.reach_frames + 1234, network.reach_frames
    mix, other = noise(1, 2 * at), noise(1, 2 * at, seed=1)
    far = mix.clone()
    far[:, : at - reach] = other[:, : at - reach]
    far[:, at + reach :] = other[:, at + reach :]
    near = mix.clone()
    near[:, at + 100 :] = other[:, at + 100 :]
    here = network(mix)[..., at]
    torch.testing.assert_close(network(far)[..., at], here, atol=1e-5 * LOUD, rtol=0)
    assert (network(near)[..., at] - here).abs().max() > 1e-5 * LOUD


@torch.inference_mode()
def test_a_stretch_on_the_grid_gives_what_the_whole_gives(kind):
    network = small(kind)
    body, start = network.reach_frames + 16000, network.grid_frames * 3
    whole = noise(1, start + body + 3 * network.reach_frames)
    first, last = start + network.reach_frames, start + body + network.reach_frames
    expected = network(whole)[..., first:last]
    stretch = network(whole[:, start : last + network.reach_frames])
    found = stretch[..., network.reach_frames : last - start]
    assert (found - expected).square().sum() < 1e-8 * expected.square().sum()  # −80 dB


@torch.inference_mode()
def test_a_mix_is_the_same_alone_and_among_others(kind):
    network, mix = small(kind), noise(3, 9000)
    mix[1] *= 30
    torch.testing.assert_close(network(mix)[2], network(mix[2:])[0], atol=1e-5 * LOUD, rtol=0)


@torch.inference_mode()
def test_silence_gives_silence(kind):
    assert small(kind)(torch.zeros(1, 16000)).abs().max() < 1e-7


def test_every_parameter_learns_also_beside_silence(kind):
    network = small(kind).train()
    mix = noise(2, 16000)
    mix[0, 4000:] = 0
    (network(mix) * noise(2, 32000, 1).reshape(2, 2, -1)).sum().backward()
    learned = {name: each for name, each in network.named_parameters() if each.requires_grad}  # not what comes trained
    for name, parameter in learned.items():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_a_shape_comes_back_from_json(kind):
    shape = networks.shape_of(kind)(**SMALL[kind], speakers=3)
    assert networks.shape_of(kind).from_json(json.loads(json.dumps(asdict(shape)))) == shape
