"""Demucs's layers as a processor computes them, against upstream's own layers in 64 bits."""

from __future__ import annotations

import copy

import pytest
import torch
from demucs.hdemucs import HDecLayer, HDemucs, HEncLayer
from demucs.htdemucs import HTDemucs
from demucs.transformer import CrossTransformerEncoderLayer, LayerScale, MyTransformerEncoderLayer
from torch import Tensor, nn

from sepkit.separators.demucs import processor
from sepkit.separators.demucs.network import fuse_attention
from sepkit.separators.demucs.processor import Product, Transposed, on_processor
from tests.separators.demucs_bags import RATE, STEMS, TRANSFORMER

EXACT_DB = -115
"""Upstream's own layers in 32 bits lie −125 to −135 dB from those in 64."""


def random(network: nn.Module) -> nn.Module:
    """Every norm, scale and bias drawn anew, since they begin as 0, 1 or 0.0001, where they would hide."""
    torch.manual_seed(0)
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.ndim == 1:
                around = 0.0 if name.endswith("bias") else 0.5
                parameter.data = around + 0.2 * torch.randn_like(parameter)
    return network.eval()


def difference_db(found: Tensor, exact: Tensor) -> float:
    return float(10 * torch.log10((found.double() - exact).square().sum() / exact.square().sum()))


def compared(network: nn.Module, *inputs: object) -> float:
    """How far the network made for a processor lies from upstream's in 64 bits, in dB."""
    exact = copy.deepcopy(network).double()
    ours = copy.deepcopy(network)
    fuse_attention(ours)
    on_processor(ours)
    wide = [part.double() if isinstance(part, Tensor) else part for part in inputs]
    with torch.inference_mode():
        found, expected = ours(*inputs), exact(*wide)
    if isinstance(found, tuple):
        found, expected = torch.cat([part.flatten() for part in found]), torch.cat([p.flatten() for p in expected])
    return difference_db(found, expected)


@pytest.mark.parametrize("piece", [processor.PIECE, 1000, 1])
@pytest.mark.parametrize("kind", ["freq", "time", "normed", "deep"])
def test_encoder_equals_upstream_whatever_a_piece_holds(monkeypatch, kind, piece):
    monkeypatch.setattr(processor, "PIECE", piece)
    deep = {"lstm": True, "attn": True} if kind == "deep" else {}
    options = {"norm": kind in ("normed", "deep"), "freq": kind == "freq", "dconv_kw": deep}
    layer = random(HEncLayer(16, 32, norm_groups=4, **options))
    shape = (2, 16, 32, 43) if kind == "freq" else (2, 16, 1004)
    assert compared(layer, torch.randn(shape)) < EXACT_DB


def test_norms_of_what_lies_far_from_zero_lose_no_digits():
    """The variance as E[y²] − E[y]² would: −93 dB. Upstream's layer in 32 bits lies −121 dB from that in 64."""
    layer = random(HEncLayer(16, 32, norm=False, freq=False))
    for branch in layer.dconv.layers:
        branch[0].bias.data += 30
        branch[1] = branch[2] = nn.Identity()
        branch[3].weight.data -= branch[3].weight.data.mean(
            1, keepdim=True
        )  # so that 30 in all channels comes out as 0
    assert compared(layer, torch.randn(1, 16, 1000)) < -110


@pytest.mark.parametrize("freq", [True, False])
def test_decoder_equals_upstream(freq):
    layer = random(HDecLayer(16, 8, norm=False, freq=freq))
    shape = (1, 16, 8, 43) if freq else (1, 16, 250)
    assert compared(layer, torch.randn(shape), torch.randn(shape), 1000) < EXACT_DB


@pytest.mark.parametrize("kind", [MyTransformerEncoderLayer, CrossTransformerEncoderLayer])
def test_transformer_layers_equal_upstream(kind):
    layer = kind(32, 4, 64, norm_first=True, norm_out=True, layer_scale=True, batch_first=True)
    assert isinstance(layer.gamma_1, LayerScale)
    inputs = (torch.randn(2, 50, 32), torch.randn(2, 70, 32))
    assert compared(random(layer), *inputs[: 1 if kind is MyTransformerEncoderLayer else 2]) < EXACT_DB


@pytest.mark.parametrize(
    ("network", "kinds"),
    [
        (HDemucs(STEMS, channels=8, segment=1), (processor.Branch, processor.Gate, Transposed)),
        (HTDemucs(STEMS, **TRANSFORMER), (processor.Branch, processor.Gate, Transposed, Product)),
    ],
)
def test_whole_networks_equal_upstream(network, kinds):
    """And hold the layers in question, so that the comparison is not one of a network with itself."""
    random(network)
    ours = copy.deepcopy(network)
    fuse_attention(ours)
    on_processor(ours)
    held = {type(module) for module in ours.modules()}
    assert held.issuperset(kinds)
    assert compared(network, torch.randn(1, 2, RATE)) < -100
