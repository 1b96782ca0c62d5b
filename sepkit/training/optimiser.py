"""What turns gradients into steps: AdamW for all weights, or Muon for the matrices and AdamW for what is left.

Muon makes the step of a matrix nearly orthogonal, so that no direction in it is learned much faster than another. Its
steps are scaled to the size of AdamW's, and one learning rate serves both.

Sources: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; Jordan et al., "Muon: an optimizer for
hidden layers in neural networks", 2024; the scale, Liu et al., "Muon is Scalable for LLM Training", 2025. torch.optim
has both.
"""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from sepkit.training.config import RunConfig


def optimisers(network: nn.Module, config: RunConfig) -> tuple[Optimizer, ...]:
    """One for each kind of step, together for all weights of `network` that learn. Vectors do not decay."""
    learned = [p for p in network.parameters() if p.requires_grad]
    matrices = [p for p in learned if p.ndim == 2 and config.optimiser == "muon"]
    apart = {id(p) for p in matrices}
    groups = [
        {"params": [p for p in learned if p.ndim > 1 and id(p) not in apart], "weight_decay": config.weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    found: tuple[Optimizer, ...] = (AdamW(groups, lr=config.learning_rate, betas=config.betas),)
    if matrices:
        rate, decay = config.learning_rate, config.weight_decay
        found += (Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),)
    return found
