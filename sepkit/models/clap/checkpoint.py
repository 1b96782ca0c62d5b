"""CLAP's towers out of a checkpoint: AudioSep's, which carries one, or laion's own.

    state_dict ─┬ ss_model.*       AudioSep's separator, which its member reads
                └ query_encoder.model.* (AudioSep) or module.* (laion)
                    ├ text_branch.*, text_projection.*      the text tower
                    ├ audio_branch.*, audio_projection.*    the audio tower
                    └ `UNHEARD`

Place: between a file and both towers. Every tensor is used, or known to have no say, or named in an error.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sepkit.models import checkpoint
from sepkit.models.checkpoint import filled, sized, unfit
from sepkit.models.clap import audio, text
from sepkit.models.clap.audio import AudioTower
from sepkit.models.clap.text import TextTower
from sepkit.models.weights import WeightFile

FRONTS = ("query_encoder.model.", "module.")
SEPARATOR = "ss_model."
TEXT = ("text_branch.", "text_projection.")
AUDIO = ("audio_branch.", "audio_projection.")
UNHEARD = (
    "audio_transform.",
    "text_transform.",
    "logit_scale_a",
    "logit_scale_t",
    "text_branch.embeddings.position_ids",  # a count from 0, which older versions stored
    "audio_branch.tscam_conv.",  # which of AudioSet's classes are heard
    "audio_branch.head.",
)
"""What only CLAP's training uses, or HTSAT's own."""
CONSTANT = (".relative_position_index", ".attn_mask")
"""Ends of names: what follows from the layers' sizes."""
TRANSFORM = "audio_branch.spectrogram_extractor.stft."
WINDOW_ERROR = 1e-4
"""How far the stored window may lie from a Hann window."""


class Stored(NamedTuple):
    """What a file has of CLAP, by the names there after `front`."""

    file: WeightFile
    front: str
    text: dict[str, Tensor]
    audio: dict[str, Tensor]


def read(file: WeightFile) -> tuple[TextTower, AudioTower]:
    """Both towers. Their tensors stay in the file and come as they are used."""
    state = checkpoint.read(file)
    front = next((front for front in FRONTS if any(name.startswith(front) for name in state)), None)
    if front is None:
        raise unfit(file, f"no tensor's name begins with {' or '.join(FRONTS)}")
    stored = sort(state, file, front, beside=(SEPARATOR,))
    return text_tower(stored), audio_tower(stored)


def sort(state: dict[str, Tensor], file: WeightFile, front: str, beside: tuple[str, ...]) -> Stored:
    """What belongs to which tower. beside: how names of other networks begin."""
    stored = Stored(file, front, {}, {})
    for name, tensor in state.items():
        inner = name.removeprefix(front) if name.startswith(front) else ""
        if name.startswith(beside) or inner.startswith(UNHEARD) or inner.endswith(CONSTANT):
            continue
        if not inner.startswith(TEXT + AUDIO):
            raise unfit(file, f"nothing uses its tensor {name}")
        (stored.text if inner.startswith(TEXT) else stored.audio)[inner] = tensor
    return stored


def text_tower(stored: Stored) -> TextTower:
    """Of the tensors that are its own."""
    shape = sized(text.Shape.of, stored.text, stored.file)
    if shape.width % text.HEAD:
        raise unfit(stored.file, f"its tokens have {shape.width} numbers; each head of the attention takes {text.HEAD}")
    with torch.device("meta"):
        tower = TextTower(shape)
    return filled(tower, _floats(stored.text), stored.file, stored.front)


def audio_tower(stored: Stored) -> AudioTower:
    """Of the tensors that are its own; of the transform only the window is looked at."""
    shape = sized(audio.Shape.of, stored.audio, stored.file)
    for width, heads in zip(shape.widths(), shape.heads, strict=True):
        if not heads or width % heads:
            raise unfit(stored.file, f"its patches have {width} numbers, which {heads} heads cannot share evenly")
    tensors = _floats(stored.audio)
    window = sized(lambda named: named[f"{TRANSFORM}conv_real.weight"][0, 0], tensors, stored.file)
    hann = torch.hann_window(audio.FFT_FRAMES)
    if window.shape != hann.shape or (window - hann).abs().max() > WINDOW_ERROR:
        raise unfit(stored.file, f"{stored.front}{TRANSFORM}* has another window than Hann's of {len(hann)}")
    with torch.device("meta"):
        tower = AudioTower(shape)
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith(TRANSFORM)}
    return filled(tower, own, stored.file, stored.front)


def _floats(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
