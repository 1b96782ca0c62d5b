import numpy as np
import pytest
import torch
from torch import nn

from sepkit.training.optimiser import optimisers
from sepkit.training.smoke import SMOKE


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4), nn.Conv1d(4, 2, 3), nn.LayerNorm(2))


def stepped(network, kind):
    """How each weight changes in one step along random gradients, in learning rates."""
    config = SMOKE.model_copy(update={"optimiser": kind, "learning_rate": 0.01, "weight_decay": 0.0})
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for p in network.parameters():
        p.grad = torch.randn_like(p) * 10
    for each in optimisers(network, config):
        each.step()
    return {name: ((p.detach() - before[name]) / 0.01).numpy() for name, p in network.named_parameters()}


def test_muon_steps_alike_in_all_directions_of_a_matrix_and_adamw_in_each_number(network):
    change = stepped(network, "muon")
    # Liu et al. 2025: 0.2 · √(longer side) times a matrix whose singular values lie near 1 (Jordan: 0.7 to 1.2).
    singular = np.linalg.svd(change.pop("0.weight"), compute_uv=False) / (0.2 * np.sqrt(6))
    assert singular.min() > 0.6 and singular.max() < 1.25
    for name, step in change.items():
        assert np.allclose(np.abs(step), 1, atol=1e-3), name  # the first step of Adam is the gradient's sign


def test_adamw_takes_all_weights(network):
    for name, step in stepped(network, "adamw").items():
        assert np.allclose(np.abs(step), 1, atol=1e-3), name


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_each_weight_that_learns_is_taken_once_and_vectors_do_not_decay(network, kind):
    network[1].requires_grad_(False)
    groups = [
        group
        for each in optimisers(network, SMOKE.model_copy(update={"optimiser": kind}))
        for group in each.param_groups
    ]
    taken = [id(p) for group in groups for p in group["params"]]
    assert sorted(taken) == sorted(id(p) for p in network.parameters() if p.requires_grad)
    assert all(p.ndim <= 1 for group in groups if group["weight_decay"] == 0 for p in group["params"])
