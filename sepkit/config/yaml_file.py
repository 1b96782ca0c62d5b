"""YAML files as typed, frozen models. An unknown or repeated key or a wrong value is an error with its path."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from sepkit.config.plain_yaml import LONGEST_TEXT, PlainLoader, load
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped

MOST_PROBLEMS = 20
"""Told at once; a file with more is another kind of file."""
LONGEST_PROBLEM = 400
LONGEST_KEY = 60
"""Characters of each in a message."""


class Options(BaseModel):
    """Base of every section: immutable, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


ASKED = {
    "model_type": "a section is asked",
    "dict_type": "a section is asked",
    "tuple_type": "a list is asked",
    "string_type": "a text is asked",
}
"""What stands in a message for a type of Python."""

Model = TypeVar("Model", bound=Options)


class OptionsError(ValueError):
    """Problems found inside a section, kept apart so that their paths can be completed outside; "" is the section's."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in problems))
        self.problems = problems


class _UniqueKeyLoader(PlainLoader):
    """A loader that refuses a key given twice; YAML itself would let the last one win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
            if key in seen:
                named = clipped(str(key), LONGEST_KEY)
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key '{named}' stands twice; keep one",
                    key_node.start_mark,
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_text(path: str | Path, advice: str, field: str = "") -> str:
    """The text of a configuration; the error says `advice`, the next step, and names the field that asks for it."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(LONGEST_TEXT + 1)  # one more than is parsed, so that a device without an end is refused
    except (OSError, ValueError) as error:  # a NUL in the path, or no UTF-8, is a ValueError
        named, reason = clipped(str(path), LONGEST_PROBLEM), clipped(getattr(error, "strerror", None) or str(error))
        named = f"{field}: {named}" if field else named
        raise ConfigError(f"{named}: cannot be read ({reason}); {advice}") from error


def parse_yaml(text: str, name: str, model: type[Model], expected: str, changes: dict[str, Any] | None = None) -> Model:
    """YAML as a model of `Options`; `changes` replace top-level fields, `expected` says what should have been there."""
    try:
        raw = load(text, _UniqueKeyLoader)
    except yaml.YAMLError as error:
        reason = clipped(" ".join(str(error).split()), LONGEST_PROBLEM)
        raise ConfigError(f"{name}: not valid YAML: {reason}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{name}: expected {expected}, found {type(raw).__name__}")
    try:
        return model.model_validate({**raw, **(changes or {})})
    except ValidationError as error:
        found = problems(error, model)
        told = ((path, clipped(text, LONGEST_PROBLEM)) for path, text in islice(found, MOST_PROBLEMS))
        lines = [": ".join(filter(None, (name, path, text))) for path, text in told]
        lines += [f"{name}: and more; mend these first" for _ in islice(found, 1)]
        raise ConfigError("\n".join(lines)) from error


def problems(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each problem as (path, what was found and what is allowed)."""
    for item in error.errors():
        if item["type"] == "too_short" and item["input"]:
            continue  # it only says that the items named in the other problems were left out
        path = ".".join(clipped(str(part), LONGEST_KEY) for part in item["loc"])
        inner = item.get("ctx", {}).get("error")
        if isinstance(inner, OptionsError):
            yield from ((".".join(filter(None, (path, sub))), text) for sub, text in inner.problems)
        elif item["type"] == "too_short":
            yield path, f"is empty; give at least {item['ctx']['min_length']}"
        elif item["type"] == "extra_forbidden":
            yield path, _unknown_key(item["loc"], model)
        elif item["type"] == "missing":
            yield path, "this field is required and absent"
        elif item["type"] == "value_error" and isinstance(item["input"], (dict, list)):
            yield path, str(inner)  # fields that do not fit together, which it names
        else:
            asked = ASKED.get(item["type"], item["msg"].removeprefix("Value error, "))
            yield path, f"{asked}, found {found_text(item['input'])}"


def found_text(value: Any) -> str:
    """A value as a message names it."""
    if isinstance(value, (dict, list)):
        return "a section" if isinstance(value, dict) else "a list"
    return clipped(repr(value))


def _unknown_key(loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Names the keys that are known at this place, the likeliest one first."""
    known: list[str] = []
    here: Any = model
    for part in loc[:-1]:
        if isinstance(part, int) or here is None:
            continue
        field = here.model_fields.get(part)
        here = next(_models_in(field.annotation), None) if field else None
    if here is not None:
        known = list(here.model_fields)
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"unknown key{hint}" + (f" (known here: {', '.join(known)})" if known else "")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models named in an annotation such as `tuple[MemberConfig, ...]` or `DenoiseConfig | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
