"""YAML as people write it. What only a mistake or an attack needs is refused before it costs time or memory.

An alias counts as what it stands for, so that nine lines cannot become a thousand million ("billion laughs").
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.composer import ComposerError

LONGEST_TEXT = 1 << 18
"""Characters of a file: a hundred times those of the longest configuration that is shipped."""
MOST_NODES = 10_000
"""Keys, values, lists and mappings together."""
DEEPEST = 50
LONGEST_NUMBER = 100
"""Digits of a whole number: 10^100 is still within a float's range."""


class PlainLoader(yaml.SafeLoader):
    """A safe loader of bounded depth and size, for text without NUL or half characters."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0
        self._sizes: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node with all below it, counted."""
        alias, mark = self.check_event(yaml.AliasEvent), self.peek_event().start_mark  # type: ignore[no-untyped-call]
        before = self._nodes
        self._depth += 1
        if self._depth > DEEPEST:
            raise ComposerError(None, None, f"nested more than {DEEPEST} deep", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None:
            if alias and node not in self._sizes:
                raise ComposerError(None, None, "an alias stands inside what it names", mark)
            self._nodes += self._sizes[node] if alias else 1
            self._sizes.setdefault(node, self._nodes - before)
        if self._nodes > MOST_NODES:
            raise ComposerError(None, None, f"more than {MOST_NODES} values, aliases counted each time", mark)
        return node

    def compose_scalar_node(self, anchor: dict[Any, yaml.Node]) -> yaml.ScalarNode:
        """A text that can be a name or be printed."""
        node = super().compose_scalar_node(anchor)
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in node.value):
            raise ComposerError(None, None, "a text with a NUL or with half a character", node.start_mark)
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """A whole number; Python itself cannot print one of 5,000 digits."""
        if len(node.value) > LONGEST_NUMBER:
            raise yaml.constructor.ConstructorError(
                None, None, f"a number of {len(node.value)} digits, at most {LONGEST_NUMBER} are read", node.start_mark
            )
        return super().construct_yaml_int(node)


PlainLoader.add_constructor("tag:yaml.org,2002:int", PlainLoader.construct_yaml_int)


def load(text: str, loader: type[PlainLoader] = PlainLoader) -> Any:
    """What a text says; whatever is wrong with it is a `YAMLError`."""
    if len(text) > LONGEST_TEXT:
        raise yaml.YAMLError(f"more than {LONGEST_TEXT} characters")
    try:
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # behind a tag such as !!int or !!timestamp Python's own types meet any text
        raise yaml.YAMLError(f"a value does not fit its tag ({error})") from error
