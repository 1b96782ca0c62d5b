"""Texts in CSV files, which spreadsheets open: what begins like a formula must stay a text.

Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

FORMULA_BEGINS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""The wide ones too: some spreadsheets read them alike."""


def as_cell(text: str) -> str:
    """A text for a cell; an apostrophe stands before what a spreadsheet would calculate. Numbers are no texts.

    >>> as_cell("=1+1"), as_cell(" =1"), as_cell("take-1.wav")
    ("'=1+1", "' =1", 'take-1.wav')
    """
    formula = text.startswith(("\t", "\r", "\n")) or text.lstrip().startswith(FORMULA_BEGINS)
    return f"'{text}" if formula else text
