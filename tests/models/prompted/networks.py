"""Networks whose weights are not learned: random ones of true size, and small ones set by hand to hear two tones."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from sepkit.models.prompted import bands
from sepkit.models.prompted.network import PromptedNet, Shape
from sepkit.models.prompts import SOUNDS

TONES_HZ = {"dog": 312.5, "siren": 2500.0}
"""What the network set by hand takes for these sounds."""


def random_network() -> PromptedNet:
    """Of true size, with running statistics that do something."""
    torch.manual_seed(0)
    network = PromptedNet(Shape(SOUNDS))
    for module in network.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def tone_network() -> PromptedNet:
    """Its convolutions pass on what comes in, so that a tag sees the loudest band of each eight, in 20 dB over the mean
    of all bands around, or 0. A tone alone is 1.05 there (21 dB, one band of 128), and 0.96 with a window's spread over
    neighbouring bins; noise stays below 0.6. The line between them is 0.75.
    """
    network = PromptedNet(Shape(("dog", "rain", "siren"), (2, 2, 2, 2), (1,)))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for module in network.modules():
            if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
                module.weight.fill_(1)
        for level in network.down:
            for heard in level:
                heard[0].weight[0, 0, 1, 1] = 1
        network.sounds.bias.fill_(-15)
        groups = bands.BANDS // 8
        for channel, (name, hz) in enumerate(TONES_HZ.items()):
            band = int(np.abs(np.array(bands.centres()) - hz * bands.FFT_FRAMES / bands.SAMPLE_RATE).argmin())
            network.gather[0].weight[channel, band // 8, 0] = 1  # of channel 0, whose groups come first
            assert band // 8 < groups
            network.sounds.weight[network.shape.sounds.index(name), channel] = 20
    return network.eval()


def write_weights(network: PromptedNet, path: Path) -> Path:
    """The file that `sepkit.training.export` writes."""
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    path.write_bytes(save(tensors, metadata={"shape": json.dumps(asdict(network.shape)), "steps": "0"}))
    return path


def tones(sample_rate: int, seconds: float, *places: tuple[str, float, float], noise: float = 0.001) -> np.ndarray:
    """(1, frames): faint noise, and the tone of each sound from when to when, in seconds."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    samples = noise * np.random.default_rng(0).standard_normal(time_s.size)
    for name, start_s, end_s in places:
        samples += 0.3 * np.sin(2 * np.pi * TONES_HZ[name] * time_s) * ((time_s >= start_s) & (time_s < end_s))
    return samples[np.newaxis].astype(np.float32)
