"""Devices: what is there is taken, what is not is one line; other machines are made by what torch is told."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from sepkit.errors import DeviceError
from sepkit.models import device


@pytest.fixture
def machine(monkeypatch):
    """Makes torch describe another machine."""

    def describe(cuda: int, mps: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return describe


@pytest.mark.parametrize(
    ("cuda", "mps", "asked", "taken"),
    [
        (0, False, "auto", "cpu"),
        (0, True, "auto", "mps"),
        (2, False, "auto", "cuda:0"),
        (2, False, "cuda", "cuda:0"),
        (2, False, "cuda:1", "cuda:1"),
        (2, False, "cpu", "cpu"),
        (0, True, "mps", "mps"),
    ],
)
def test_what_is_there_is_taken(machine, cuda, mps, asked, taken):
    machine(cuda, mps)
    assert device.resolve(asked) == taken
    assert str(torch.device(taken)) == taken


@pytest.mark.parametrize(
    ("cuda", "mps", "asked", "choices"),
    [
        (0, False, "cuda", "cpu"),
        (0, False, "cuda:0", "cpu"),
        (0, False, "mps", "cpu"),
        (2, False, "cuda:7", "cuda:0, cuda:1, cpu"),
        (0, True, "cuda", "mps, cpu"),
    ],
)
def test_what_is_not_there_is_one_line_with_what_is(machine, cuda, mps, asked, choices):
    machine(cuda, mps)
    with pytest.raises(DeviceError) as caught:
        device.resolve(asked)
    assert str(caught.value) == (f"device: '{asked}' is not on this machine; choose one of {choices}, or auto")


@pytest.mark.parametrize("name", ["tpu", "", "cuda:", "cuda:-1", "CUDA", "cpu:0"])
def test_unknown_names_are_refused(name):
    with pytest.raises(DeviceError, match=f"unknown device '{name}'; choose auto, cpu, mps, cuda or cuda:N"):
        device.resolve(name)


def test_a_network_runs_on_what_this_machine_gives():
    taken = device.resolve("auto")
    assert torch.nn.Identity().to(taken)(torch.arange(3, device=taken)).sum().item() == 3


def test_the_processor_is_known_without_torch():
    code = "import sys; from sepkit.models.device import resolve; resolve('cpu'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_test_worker_gives_torch_one_thread():
    """Set by conftest before torch was imported; else test workers wait for each other."""
    assert torch.get_num_threads() == 1
