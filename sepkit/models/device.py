"""The device a network runs on: "auto" means CUDA, then Apple's MPS, then the processor."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from sepkit.errors import DeviceError


def resolve(device: str) -> str:
    """The torch name of `device` ("auto", "cpu", "mps", "cuda", "cuda:N"), if it exists on this machine."""
    if device == "cpu":
        return device
    if not re.fullmatch(r"auto|mps|cuda(:\d+)?", device):
        raise DeviceError(f"device: unknown device '{device}'; choose auto, cpu, mps, cuda or cuda:N")
    present = available()
    if device == "auto":
        return present[0]
    wanted = "cuda:0" if device == "cuda" else device
    if wanted not in present:
        raise DeviceError(f"device: '{device}' is not on this machine; choose one of {', '.join(present)}, or auto")
    return wanted


def available() -> tuple[str, ...]:
    """Every device that torch can use on this machine, the best first."""
    torch = _torch()
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return (*gpus(), *mps, "cpu")


def gpus() -> tuple[str, ...]:
    """Every GPU that CUDA can use on this machine."""
    torch = _torch()
    return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) if torch.cuda.is_available() else ()


def _torch() -> ModuleType:
    """Torch, whose first import makes so many lasting objects that searching them for garbage takes an eighth of it."""
    searching = gc.isenabled()
    gc.disable()
    try:
        import torch
    finally:
        if searching:
            gc.enable()
    return torch


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def keeping_threads() -> Iterator[None]:
    """Whatever becomes of torch's number of threads within, after it there are as many as before."""
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
