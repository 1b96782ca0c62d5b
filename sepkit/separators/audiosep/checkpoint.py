"""A checkpoint of AudioSep: the separator, and CLAP's text tower, out of what a training saved.

    state_dict ─┬ ss_model.*                                       the separator
                ├ query_encoder.model.text_branch.*, text_projection.*   the text tower
                └ query_encoder.model.audio_branch.* …                   prompts by sound, which are not taken

Place: between a file and both networks. The file is mapped into memory and no code in it runs. Every tensor is used, or
known to have no say, or named in an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from sepkit.errors import WeightsError
from sepkit.models.weights import WeightFile, unlike, unreadable
from sepkit.separators.audiosep import network, query
from sepkit.separators.audiosep.network import ResUNet
from sepkit.separators.audiosep.query import TextTower

if TYPE_CHECKING:
    from torch import Tensor

SEPARATOR = "ss_model."
QUERY = "query_encoder.model."
UNHEARD = (
    "audio_branch.",
    "audio_transform.",
    "audio_projection.",
    "text_transform.",
    "logit_scale_a",
    "logit_scale_t",
    "text_branch.embeddings.position_ids",  # a count from 0, which older versions stored
)
"""CLAP's other half, and what only its training uses."""
WINDOW_ERROR = 1e-4
"""How far the stored window may lie from a Hann window."""

Module = TypeVar("Module", bound=nn.Module)


def read(file: WeightFile) -> tuple[ResUNet, TextTower]:
    """Both networks. The separator's tensors are its own; the tower's stay in the file and come as they are used."""
    separator, tower = _sorted(_state(file), file)
    shape, text = _shapes(separator, tower, file)
    with torch.device("meta"):
        networks = ResUNet(shape), TextTower(text)
    own = {name: tensor.to(torch.float32, copy=True) for name, tensor in separator.items()}
    unet = _filled(networks[0], own, file, SEPARATOR)
    window, stored = torch.hann_window(shape.fft_frames), own["base.stft.conv_real.weight"][0, 0]
    if (stored - window).abs().max() > WINDOW_ERROR:
        raise _unfit(file, f"{SEPARATOR}base.stft has another window than Hann's")
    return unet.fold(), _filled(networks[1], {name: tensor.float() for name, tensor in tower.items()}, file, QUERY)


def _state(file: WeightFile) -> dict[str, Tensor]:
    """The tensors of a file by name."""
    try:
        stored: Any = torch.load(file.path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
        raise WeightsError(
            f"{file.model}: {file.path} cannot be read ({unreadable(error)}); bring the right file there"
        ) from error
    state = stored.get("state_dict") if isinstance(stored, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise _unfit(file, "there is no 'state_dict' of tensors")
    return state


def _sorted(state: dict[str, Tensor], file: WeightFile) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The separator's and the text tower's, by their names there."""
    parts: dict[str, dict[str, Tensor]] = {SEPARATOR: {}, QUERY: {}}
    for name, tensor in state.items():
        front = next((front for front in parts if name.startswith(front)), None)
        if front is None:
            raise _unfit(file, f"nothing uses its tensor {name}")
        inner = name[len(front) :]
        if front == SEPARATOR or not inner.startswith(UNHEARD):
            parts[front][inner] = tensor
    return parts[SEPARATOR], parts[QUERY]


def _shapes(
    separator: dict[str, Tensor], tower: dict[str, Tensor], file: WeightFile
) -> tuple[network.Shape, query.Shape]:
    """Both networks' sizes."""
    try:
        shape, text = network.Shape.of(separator), query.Shape.of(tower)
    except KeyError as error:
        raise _unfit(file, f"there is no tensor {error}") from error
    except (TypeError, ValueError, IndexError) as error:  # of fewer or more dimensions
        raise _unfit(file, "a tensor that says how large its layers are has another number of dimensions") from error
    levels = 2 ** len(network.STRIDES)
    if shape.bins % levels != 1 or shape.bins == 1:
        raise _unfit(file, f"its spectra have {shape.bins} bins; they are halved six times, which takes 64·n + 1")
    if text.width % query.HEAD:
        raise _unfit(file, f"its tokens have {text.width} numbers; each head of the attention takes {query.HEAD}")
    return shape, text


def _filled(module: Module, tensors: dict[str, Tensor], file: WeightFile, front: str) -> Module:
    if difference := unlike(module.state_dict(), tensors):
        raise _unfit(file, f"of {front}*, {difference}")
    module.load_state_dict(tensors, assign=True)
    return module.eval().requires_grad_(False)


def _unfit(file: WeightFile, found: str) -> WeightsError:
    return WeightsError(
        f"{file.model}: {file.path} is no checkpoint of AudioSep's: {found}; give one whose layers are AudioSep's"
    )
