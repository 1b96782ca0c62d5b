"""Whether a licence permits commercial use, as its text in the catalogue says; what is unclear permits nothing."""

from __future__ import annotations

import re
from typing import Literal

Commercial = Literal["yes", "no", "not stated"]

_FORBIDS = re.compile(r"\bNC\b|non-?commercial|not for commercial|research only|academic", re.IGNORECASE)
_PERMITS = re.compile(r"(MIT|Apache|BSD|ISC|MPL|A?GPL|LGPL|CC0|CC BY|Unlicense|public domain|no code)\b", re.IGNORECASE)
_UNCLEAR = re.compile(r"(unclear|not stated)\b", re.IGNORECASE)


def commercial(*licences: str) -> Commercial:
    """What all of them together permit. A text begins with a licence's usual name, "not stated" or "unclear"."""
    found = {_one(licence.replace("CC-BY", "CC BY").replace("-NC", " NC")) for licence in licences}
    return next(answer for answer in ("no", "not stated", "yes") if answer in found)


def _one(licence: str) -> Commercial:
    if _UNCLEAR.match(licence):
        return "not stated"
    if _FORBIDS.search(licence):
        return "no"
    return "yes" if _PERMITS.match(licence) else "not stated"
