"""A checkpoint of AudioSep: the separator, and CLAP's text tower, out of what a training saved.

    state_dict ─┬ ss_model.*               the separator
                └ query_encoder.model.*    CLAP, whose text tower hears prompts; prompts by sound are not taken

Place: between a file and both networks. Every tensor is used, or known to have no say, or named in an error.
"""

from __future__ import annotations

import torch

from sepkit.models import checkpoint
from sepkit.models.checkpoint import filled, sized, unfit
from sepkit.models.clap.checkpoint import FRONTS, SEPARATOR, WINDOW_ERROR, sort, text_tower
from sepkit.models.clap.text import TextTower
from sepkit.models.weights import WeightFile
from sepkit.separators.audiosep import network
from sepkit.separators.audiosep.network import ResUNet

QUERY = FRONTS[0]


def read(file: WeightFile) -> tuple[ResUNet, TextTower]:
    """Both networks. The separator's tensors are its own; the tower's stay in the file and come as they are used."""
    state = checkpoint.read(file)
    tower = text_tower(sort(state, file, QUERY, beside=(SEPARATOR,)))
    front = len(SEPARATOR)
    stored = {name[front:]: tensor for name, tensor in state.items() if name.startswith(SEPARATOR)}
    shape = sized(network.Shape.of, stored, file)
    levels = 2 ** len(network.STRIDES)
    if shape.bins % levels != 1 or shape.bins == 1:
        raise unfit(file, f"its spectra have {shape.bins} bins; they are halved six times, which takes 64·n + 1")
    with torch.device("meta"):
        unet = ResUNet(shape)
    own = {name: tensor.to(torch.float32, copy=True) for name, tensor in stored.items()}
    unet = filled(unet, own, file, SEPARATOR)
    window = own["base.stft.conv_real.weight"][0, 0]
    if (window - torch.hann_window(shape.fft_frames)).abs().max() > WINDOW_ERROR:
        raise unfit(file, f"{SEPARATOR}base.stft has another window than Hann's")
    return unet.fold(), tower
