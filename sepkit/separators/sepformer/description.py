"""speechbrain's `hyperparams.yaml`: the network's sizes, read as plain numbers.

The file is HyperPyYAML, in which `!new:NAME` makes an object of a class and `!apply:NAME` calls a function. Here a tag
is only a name: nothing is made, called or imported. `!ref <key>` is the value of that key, and no arithmetic is done.

Source: https://github.com/speechbrain/HyperPyYAML; the layers' own fields, `speechbrain/lobes/models/dual_path.py`
(Apache-2.0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sepkit.config.plain_yaml import PlainLoader, load
from sepkit.config.yaml_file import LONGEST_PROBLEM, read_text
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped

NAME = "hyperparams.yaml"
MODEL, BLOCK, FILTERS = "Dual_Path_Model", "SBTransformerBlock", "Encoder"
"""Classes that a section can be made of."""
REF = re.compile(r"<([A-Za-z_]\w*)>")
LONGEST_CHAIN = 8
RATES_HZ = (4000, 192_000)
MOST = 100_000


@dataclass(frozen=True)
class Transformer:
    """Of one of the two paths. depth: layers."""

    depth: int = 8
    heads: int = 8
    wide: int = 1024


@dataclass(frozen=True)
class Shape:
    """Of a network. chunk_steps: K. blocks: how often both paths are gone. places: steps whose place is known."""

    voices: int = 2
    filters: int = 256
    taps: int = 16
    chunk_steps: int = 250
    blocks: int = 2
    within: Transformer = field(default_factory=Transformer)
    across: Transformer = field(default_factory=Transformer)
    places: int = 2500


@dataclass(frozen=True)
class _Tagged:
    """A node with a tag. made_of: the last part of the name behind the tag's colon."""

    tag: str
    made_of: str
    value: Any


class _Loader(PlainLoader):
    """A loader for which a tag is a name."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> _Tagged:
    tag, _, name = suffix.partition(":")
    if isinstance(node, yaml.MappingNode):
        return _Tagged(tag, name.rpartition(".")[2], loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return _Tagged(tag, name.rpartition(".")[2], loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.ScalarNode)
    return _Tagged(tag, name.rpartition(".")[2], loader.construct_scalar(node))


_Loader.add_multi_constructor("!", _tagged)


def read(path: Path) -> tuple[Shape, int]:
    """The network's sizes and its rate in Hz; what this member cannot run is an error that names the field."""
    text = read_text(path, "give a folder that has the one of speechbrain's beside the weights", "options.weights")
    try:
        found = load(text, _Loader)
    except yaml.YAMLError as error:
        reason = clipped(" ".join(str(error).split()), LONGEST_PROBLEM)
        raise ConfigError(f"options.weights: {path}: no YAML ({reason}); bring the right file there") from error
    if not isinstance(found, dict):
        raise ConfigError(f"options.weights: {path} has no fields; bring the right file there")
    whole = _Fields(path, "", found, found)
    masks, filters = whole.made_of(MODEL), whole.made_of(FILTERS)
    masks.must_be(norm="ln", linear_layer_after_inter_intra=False, skip_around_intra=True)
    shape = Shape(
        voices=masks.number("num_spks", 2, 3),
        filters=filters.number("out_channels"),
        taps=filters.number("kernel_size", 2),
        chunk_steps=masks.number("K", 2),
        blocks=masks.number("num_layers", 1, 64),
        within=_transformer(masks.section("intra_model")),
        across=_transformer(masks.section("inter_model")),
    )
    if shape.chunk_steps % 2:
        raise masks.refused("K", shape.chunk_steps, "an even number")
    for key in ("in_channels", "out_channels"):
        if (given := masks.number(key)) != shape.filters:
            raise masks.refused(key, given, f"{shape.filters}, as the encoder's out_channels")
    return shape, whole.number("sample_rate", *RATES_HZ)


def _transformer(block: _Fields) -> Transformer:
    block.must_be(use_positional_encoding=True, norm_before=True)
    for key, usual in {"attention_type": "regularMHA", "activation": "relu"}.items():
        if block.values.get(key, usual) != usual:
            raise block.refused(key, block.values[key], usual)
    return Transformer(block.number("num_layers", 1, 64), block.number("nhead"), block.number("d_ffn"))


class _Fields:
    """A section's values, with the way to what they refer to. front: its name and a dot."""

    def __init__(self, path: Path, front: str, values: dict[str, Any], whole: dict[str, Any]) -> None:
        self.path, self.front, self.values, self.whole = path, front, values, whole

    def value(self, key: str) -> Any:
        """What a key says, or what it refers to; None where it is absent."""
        found: Any = self.values.get(key)
        for _ in range(LONGEST_CHAIN):
            if not (isinstance(found, _Tagged) and found.tag == "ref"):
                return found
            name = REF.fullmatch(str(found.value).strip())
            if name is None or name[1] not in self.whole:
                raise self.refused(key, found.value, "a value, or one <key> of this file")
            found = self.whole[name[1]]
        raise self.refused(key, self.values[key].value, "a value; it refers to itself")

    def number(self, key: str, low: int = 1, high: int = MOST) -> int:
        """A whole number."""
        found = self.value(key)
        if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
            raise self.refused(key, found, f"a whole number, {low} to {high}")
        return found

    def section(self, key: str) -> _Fields:
        """The block that a key means, called as it is called in the file."""
        found, said = self.value(key), self.values.get(key)
        names = [name for name, value in self.whole.items() if value is found and found is not said]
        return self._inside(key, found, BLOCK, names[0] if names else f"{self.front}{key}")

    def made_of(self, kind: str) -> _Fields:
        """The only section of a class."""
        found = [key for key, value in self.whole.items() if isinstance(value, _Tagged) and value.made_of == kind]
        if len(found) != 1:
            raise ConfigError(
                f"options.weights: {self.path} has {len(found)} sections of {kind}, and a SepFormer's has one; "
                "give the folder of a SepFormer"
            )
        return self._inside(found[0], self.whole[found[0]], kind, found[0])

    def _inside(self, key: str, found: Any, kind: str, name: str) -> _Fields:
        if not isinstance(found, _Tagged) or found.made_of != kind or not isinstance(found.value, dict):
            said = found.made_of if isinstance(found, _Tagged) else found
            raise self.refused(key, said, f"a {kind} with its fields")
        return _Fields(self.path, f"{name}.", found.value, self.whole)

    def must_be(self, **wanted: Any) -> None:
        """What this member runs, and nothing else."""
        for key, value in wanted.items():
            if (found := self.value(key)) != value:
                raise self.refused(key, found, str(value))

    def refused(self, key: str, found: Any, allowed: str) -> ConfigError:
        """The error that a field is not what it must be."""
        return ConfigError(
            f"options.weights: {self.path}: {self.front}{key} is {clipped(repr(found))}; this member runs {allowed}"
        )
