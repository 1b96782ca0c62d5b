"""The task "speech": speech out of music, singing and noise, with the compact network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from sepkit.errors import ConfigError, WeightsError
from sepkit.separators.compact.network import CompactNetwork, Shape, apply_filters, read
from sepkit.training.config import TrainConfig
from sepkit.training.loop import Batch
from sepkit.training.losses import spectral_losses, waveform_loss


class SpeechTask:
    """Network, loss and scores."""

    def __init__(self, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        network = CompactNetwork(Shape(**config.network.model_dump()))
        load_voice_activity_encoder(network)
        self.network: nn.Module = network

    def load(self, path: Path) -> None:
        """Begin from exported weights; their sizes must be the configuration's."""
        shape, tensors = read(path)
        if shape != Shape(**self.config.network.model_dump()):
            raise ConfigError(f"network: {path} holds {shape}; give the same sizes, or train from the beginning")
        self.network.load_state_dict(tensors)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Waveform and spectra of (mix, speech)."""
        mix, speech = batch
        return self._losses(self.network, mix, speech)[1]

    def scores(self, network: nn.Module, batch: Batch) -> dict[str, list[float]]:
        """Loss; the gain in SI-SDR where there is speech and background; what is left where there is no speech."""
        mix, speech = batch
        scores: dict[str, list[float]] = {"loss": [], "gain_db": [], "left_db": [], "clean_db": []}
        for row in range(len(mix)):
            x, s = mix[row : row + 1], speech[row : row + 1]
            estimate, losses = self._losses(network, x, s)
            scores["loss"].append(float(losses["loss"]))
            background = float((x - s).square().sum())
            if float(s.square().sum()) < 1e-9:
                if background > 1e-3:
                    scores["left_db"].append(float(10 * torch.log10(estimate.square().sum() / x.square().sum() + 1e-9)))
            elif background < 1e-9:
                scores["clean_db"].append(_si_sdr_db(estimate, s))
            else:
                scores["gain_db"].append(_si_sdr_db(estimate, s) - _si_sdr_db(x, s))
        return scores

    def _losses(self, network: nn.Module, mix: Tensor, speech: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        weights = self.config.loss
        assert isinstance(network, CompactNetwork)
        with torch.autocast(mix.device.type, enabled=False):
            spectrum = network.analyse(mix)
        taps, gate = network.filters(mix, spectrum)
        with torch.autocast(mix.device.type, enabled=False):
            V = apply_filters(spectrum, taps, gate)
            estimate = network.synthesise(V, mix.shape[-1])
            level = spectrum.abs().square().mean((1, 2)).sqrt().clamp_min(1e-6)
            waveform = waveform_loss(estimate, speech, mix, weights.floor_db)
            magnitude, difference = spectral_losses(V, network.analyse(speech), level)
        total = weights.waveform * waveform + weights.magnitude * magnitude + weights.spectrum * difference
        return estimate, {"loss": total, "waveform": waveform, "magnitude": magnitude, "spectrum": difference}


def load_voice_activity_encoder(network: CompactNetwork) -> None:
    """Put the weights of Silero VAD's encoder, as the package silero-vad brings them, into the network."""
    from safetensors.torch import load_file

    package = importlib.util.find_spec("silero_vad")  # importing it would set torch to one thread
    assert package is not None and package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "data" / "silero_vad_16k.safetensors"
    if not path.is_file():
        raise WeightsError(f"silero-vad: {path} is missing; run `pip install --force-reinstall 'silero-vad>=6.2,<7'`")
    tensors = load_file(path)
    own = {"basis": tensors["stft_conv.weight"]}
    for index in range(4):
        for name in ("weight", "bias"):
            own[f"convolutions.{index}.{name}"] = tensors[f"conv{index + 1}.{name}"]
    network.voice.load_state_dict(own)


def _si_sdr_db(estimate: Tensor, speech: Tensor) -> float:
    """Scale-invariant SDR of (1, frames)."""
    estimate, speech = estimate - estimate.mean(), speech - speech.mean()
    projected = (estimate * speech).sum() / speech.square().sum().clamp_min(1e-12) * speech
    error = (estimate - projected).square().sum().clamp_min(1e-12)
    return float(10 * torch.log10(projected.square().sum().clamp_min(1e-12) / error))
