"""What asteroid's checkpoint says of its network: `model_name` and `model_args`, read as numbers and names alone.

Place: between the file and `network`. What this network cannot do is refused by its name, and nothing is passed over.

Source: `asteroid/models/base_models.py` and `conv_tasnet.py`, https://github.com/asteroid-team/asteroid (MIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args, get_type_hints

from sepkit.errors import WeightsError
from sepkit.files.naming import clipped
from sepkit.models.weights import WeightFile

NAME = "ConvTasNet"
MOST = 100_000
"""Of any number but the rate; what a file really has is held against its tensors."""
MOST_BLOCKS = 64
ONLY: dict[str, tuple[Any, ...]] = {
    "fb_name": ("free", "FreeFB"),
    "norm_type": ("gLN",),
    "causal": (False,),
    "mask_act": ("relu", "sigmoid"),
    "encoder_activation": (None, "linear", "relu"),
}
"""What can be had of what is no number."""
RATES_HZ = (4000, 192_000)


@dataclass(frozen=True)
class Shape:
    """Of a network, named as in the file, with asteroid's own defaults.

    None means n_filters in in_chan and out_chan, half of kernel_size in stride, and not said in sample_rate.
    """

    n_src: int
    n_filters: int = 512
    kernel_size: int = 16
    stride: int | None = None
    n_blocks: int = 8
    n_repeats: int = 3
    bn_chan: int = 128
    hid_chan: int = 512
    skip_chan: int | None = 128
    conv_kernel_size: int = 3
    in_chan: int | None = None
    out_chan: int | None = None
    sample_rate: float | None = None
    fb_name: str = "free"
    norm_type: str = "gLN"
    mask_act: str = "sigmoid"
    causal: bool = False
    encoder_activation: str | None = None

    @property
    def hop_frames(self) -> int:
        """From step to step."""
        return self.stride or self.kernel_size // 2


def shape_of(stored: Any, file: WeightFile) -> Shape:
    """The network that a checkpoint is of. stored: the checkpoint."""
    name = stored.get("model_name") if isinstance(stored, dict) else None
    args = stored.get("model_args") if isinstance(stored, dict) else None
    if name != NAME or not isinstance(args, dict):
        found = f"model_name is {clipped(repr(name))}" if name != NAME else "there is no model_args"
        raise _refused(file, f"{found}; it must be a checkpoint that asteroid saved of a {NAME}")
    known = {field.name for field in fields(Shape)}
    if unknown := sorted(str(key) for key in args.keys() - known):
        raise _refused(file, f"model_args.{clipped(unknown[0])} is nothing that a {NAME} has")
    if "n_src" not in args:
        raise _refused(file, "model_args.n_src is missing; it is how many voices come out")
    shape = Shape(**{key: _value(key, value, file) for key, value in args.items()})
    _check(shape, file)
    return shape


def _value(key: str, value: Any, file: WeightFile) -> Any:
    """One of `model_args`, as `Shape` wants it."""
    if key in ONLY:
        if value not in ONLY[key] or isinstance(value, bool) != (key == "causal"):
            allowed = ", ".join(str(each) for each in ONLY[key])
            raise _refused(file, f"model_args.{key} is {clipped(repr(value))}; this member runs {allowed}")
        return value
    if value is None and type(None) in get_args(get_type_hints(Shape)[key]):
        return None
    if key == "skip_chan" and value == 0:
        return None
    low, high = RATES_HZ if key == "sample_rate" else (1, MOST)
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    if not whole or not low <= value <= high:
        raise _refused(file, f"model_args.{key} is {clipped(repr(value))}; it must be a whole number, {low} to {high}")
    return int(value)


def _check(shape: Shape, file: WeightFile) -> None:
    """What several of them must be together."""
    wide: Mapping[str, int | None] = {"in_chan": shape.in_chan, "out_chan": shape.out_chan}
    for key, value in wide.items():
        if value not in (None, shape.n_filters):
            raise _refused(file, f"model_args.{key} is {value}; it must be n_filters, {shape.n_filters}")
    if shape.n_blocks * shape.n_repeats > MOST_BLOCKS:
        raise _refused(
            file, f"model_args has {shape.n_blocks} × {shape.n_repeats} blocks; at most {MOST_BLOCKS} are run"
        )
    if shape.n_src not in (2, 3):
        raise _refused(file, f"model_args.n_src is {shape.n_src}; this member parts 2 or 3 voices")
    if shape.conv_kernel_size % 2 == 0:
        raise _refused(file, f"model_args.conv_kernel_size is {shape.conv_kernel_size}; it must be odd")
    if not 1 <= shape.hop_frames <= shape.kernel_size:
        raise _refused(file, f"model_args.stride is {shape.stride}; it must be 1 to kernel_size, {shape.kernel_size}")


def _refused(file: WeightFile, found: str) -> WeightsError:
    return WeightsError(
        f"{file.model}: {file.path} does not fit: {found}; give one of `sepkit models list`, or its like"
    )
