"""The compact network as a task to learn."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from sepkit.errors import ConfigError, WeightsError
from sepkit.separators.compact.network import CompactNetwork, Shape, apply_filters, read
from sepkit.training.config import CompactConfig, TrainConfig
from sepkit.training.losses import spectral_losses, waveform_loss
from sepkit.training.speech import SpeechTask


class CompactTask(SpeechTask):
    """Speech at 16 kHz, by filters of the compact network."""

    def __init__(self, config: TrainConfig, sizes: CompactConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.shape = config, Shape(**sizes.model_dump(exclude={"kind"}))
        network = CompactNetwork(self.shape)
        load_voice_activity_encoder(network)
        self.network = network

    def load(self, path: Path | None) -> None:
        """Begin from exported weights, whose sizes must be the configuration's; without, from random ones."""
        if path is None:
            return
        shape, tensors = read(path)
        if shape != self.shape:
            raise ConfigError(f"network: {path} holds {shape}; give the same sizes, or train from the beginning")
        self.network.load_state_dict(tensors)

    def judged(self, network: nn.Module, mix: Tensor, speech: Tensor, sung: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The estimate (batch, frames) and the losses; it cannot be told whether singing counts."""
        assert isinstance(network, CompactNetwork)
        with torch.autocast(mix.device.type, enabled=False):
            spectrum = network.analyse(mix)
        taps, gate = network.filters(mix, spectrum)
        with torch.autocast(mix.device.type, enabled=False):
            V = apply_filters(spectrum, taps, gate)
            estimate = network.synthesise(V, mix.shape[-1])
            level = spectrum.abs().square().mean((1, 2)).sqrt().clamp_min(1e-6)
            waveform = waveform_loss(estimate, speech, mix, self.config.loss.floor_db)
            magnitude, difference = spectral_losses(V, network.analyse(speech), level)
        return estimate, self.weighted(waveform, magnitude, difference)


def load_voice_activity_encoder(network: CompactNetwork) -> None:
    """Put the weights of Silero VAD's encoder, as the package silero-vad brings them, into the network."""
    from safetensors.torch import load_file

    package = importlib.util.find_spec("silero_vad")  # importing it would set torch to one thread
    assert package is not None and package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "data" / "silero_vad_16k.safetensors"
    if not path.is_file():
        raise WeightsError(f"silero-vad: {path} is missing; run `pip install --force-reinstall 'silero-vad>=6.2.3,<7'`")
    tensors = load_file(path)
    own = {"basis": tensors["stft_conv.weight"]}
    for index in range(4):
        for name in ("weight", "bias"):
            own[f"convolutions.{index}.{name}"] = tensors[f"conv{index + 1}.{name}"]
    network.voice.load_state_dict(own)
