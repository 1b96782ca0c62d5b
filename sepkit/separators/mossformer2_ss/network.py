"""MossFormer2 for voices: filters, a mask a voice, and the filters back.

    x ─ filters ─ W ─┬ MaskNet ─ M_s ≥ 0
                     └ M_s·W ─ filters back ─ v_s            unmasked: M_s alone is what goes back

Layers are named as in ClearVoice's checkpoint; `renamed` brings the names of the older files of 8 kHz to those.

Source: see the package.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.mossformer2.block import DilatedMemory
from sepkit.separators.mossformer2.masks import MaskNet, Shape

MASKS = "mask_net."
FRONTS = {"encoder": "enc.", "masknet": MASKS, "decoder": "dec."}
"""What stands before the names of each of the older files, once they are renamed."""
OLDER = (
    ("dual_mdl.0.intra_mdl.mdl.flashT.", "mdl.intra_mdl.mossformerM."),
    ("dual_mdl.0.intra_mdl.mdl.norm.norm.", "mdl.intra_mdl.norm."),
    ("dual_mdl.0.intra_norm.", "mdl.intra_norm."),
)


def renamed(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of one of the older files, by the names that they have in `Voices`."""
    found = {}
    for name, each in tensors.items():
        for older, newer in OLDER if part == "masknet" else ():
            if name.startswith(older):
                name = newer + name.removeprefix(older)
        found[FRONTS[part] + name] = each
    return found


class Voices(nn.Module):
    """See the module's docstring. taps: of a filter; they stand half of it apart."""

    def __init__(self, shape: Shape, taps: int, unmasked: bool = False) -> None:
        super().__init__()
        self.voices, self.unmasked = shape.voices, unmasked
        self.enc = nn.ModuleDict({"conv1d": nn.Conv1d(1, shape.inputs, taps, taps // 2, bias=False)})
        self.mask_net = MaskNet(shape, DilatedMemory)
        self.dec = nn.ConvTranspose1d(shape.outputs, 1, taps, taps // 2, bias=False)

    @staticmethod
    def sizes(tensors: Mapping[str, Tensor]) -> tuple[Shape, int]:
        """The network's sizes and its filters' taps, as the tensors of a checkpoint have them."""
        _, _, taps = tensors["enc.conv1d.weight"].shape
        return Shape.of(tensors, MASKS), taps

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames) → (batch, voices, frames)."""
        W = self.enc["conv1d"](x[:, None]).relu_().transpose(1, 2)
        found = self.mask_net(W, self.voices)
        if not self.unmasked:
            found = found.mul_(W[:, None])
        back: Tensor = self.dec(found.flatten(0, 1).transpose(1, 2))[:, 0]
        return torch.unflatten(functional.pad(back, (0, x.shape[-1] - back.shape[-1])), 0, (len(x), -1))
