"""The tensors of Bandit's published files, by their names in `network`, and which kind they are.

Bandit v2 names many layers twice, since its modules keep them both alone and in a chain; the two have to agree.
A training's own file (as on Zenodo) has 'model.' before each name, and what its losses remember beside them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sepkit.models import checkpoint
from sepkit.models.weights import WeightFile
from sepkit.separators.bandit.bands import musical_bands
from sepkit.separators.bandit.kinds import FFT_FRAMES, PLUS, V2, Kind
from sepkit.separators.bandit.network import Bandit, Shape

if TYPE_CHECKING:
    from torch import Tensor

_TRAINING, _OF_LOSSES, _PLUS = "model.", "loss_handler.", "bsrnn."
_CHAINED = (
    (re.compile(r"(norm_fc_modules\.\d+)\.combined\.0\."), r"\1.norm."),
    (re.compile(r"(norm_fc_modules\.\d+)\.combined\.1\."), r"\1.fc."),
    (re.compile(r"(norm_mlp\.\d+)\.combined\.0\."), r"\1.norm."),
    (re.compile(r"(norm_mlp\.\d+)\.combined\.1\."), r"\1.hidden."),
    (re.compile(r"(norm_mlp\.\d+)\.combined\.2\."), r"\1.output."),
    (re.compile(r"^i?stft\.window$"), "window"),
)
_TURN = re.compile(r"(seqband\.)(\d+)(\..*)")
_BAND = re.compile(r"band_split\.norm_fc_modules\.(\d+)\.")


def read(file: WeightFile) -> Bandit:
    """The network of a file, whichever of the two kinds it is."""
    import torch

    stored = checkpoint.read(file, bare=True)
    kind, tensors = unwrapped(stored, file)
    shape = checkpoint.sized(lambda found: _shape(kind, found), tensors, file)
    with torch.device("meta"):
        network = Bandit(shape)
    # Copies: the file is mapped into memory, and holds the bands' shares in double precision.
    single = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    return checkpoint.filled(network, single, file, "")


def unwrapped(stored: dict[str, Tensor], file: WeightFile) -> tuple[Kind, dict[str, Tensor]]:
    """The kind, and the tensors by their names in the network."""
    if any(name.startswith(_TRAINING) for name in stored):
        stored = {name: each for name, each in stored.items() if not name.startswith(_OF_LOSSES)}
        if outside := sorted(name for name in stored if not name.startswith(_TRAINING)):
            raise checkpoint.unfit(file, f"'{outside[0]}' stands beside '{_TRAINING}*'")
        stored = {name.removeprefix(_TRAINING): each for name, each in stored.items()}
    kind = PLUS if any(name.startswith(_PLUS) for name in stored) else V2
    found: dict[str, Tensor] = {}
    for theirs, tensor in stored.items():
        ours = _ours(theirs, kind)
        if ours in found and not _same(found[ours], tensor):
            raise checkpoint.unfit(file, f"'{theirs}' has another name too, and holds something else there")
        found[ours] = tensor
    return kind, found


def _ours(name: str, kind: Kind) -> str:
    name = name.removeprefix(_PLUS) if kind is PLUS else name
    for pattern, ours in _CHAINED:
        name = pattern.sub(ours, name)
    turn = _TURN.search(name)
    if kind is PLUS or turn is None or int(turn[2]) % 2:
        return name
    return name.replace(turn[0], f"{turn[1]}{int(turn[2]) // 2}{turn[3]}")  # a layer that turns the axes has no tensors


def _same(first: Tensor, second: Tensor) -> bool:
    import torch

    return first.data_ptr() == second.data_ptr() or torch.equal(first, second)


def _shape(kind: Kind, tensors: dict[str, Tensor]) -> Shape:
    """The sizes that a file's tensors have."""
    bands = {int(band[1]) for band in map(_BAND.match, tensors) if band}
    turns = {int(turn[2]) for turn in map(_TURN.search, tensors) if turn}
    speech = kind.stems[0]
    return Shape(
        kind,
        musical_bands(len(bands), kind.sample_rate, FFT_FRAMES) if bands else (),
        dim=tensors["band_split.norm_fc_modules.0.fc.weight"].shape[0],
        hidden=tensors["tf_model.seqband.0.rnn.weight_hh_l0"].shape[1],
        depth=(len(turns) + 1) // 2,
        inner=tensors[f"mask_estim.{speech}.norm_mlp.0.hidden.0.weight"].shape[0],
    )
