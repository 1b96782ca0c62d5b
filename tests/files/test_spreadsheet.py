"""Cells of CSV files. Witness for what a spreadsheet calculates: OWASP's list of first characters, "CSV Injection"."""

import pytest

from sepkit.files.spreadsheet import as_cell


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", *"＝＋－＠", " =", " \u3000@", "\xa0+"])
def test_what_begins_like_a_formula_gets_an_apostrophe(first):
    assert as_cell(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize("text", ["", " ", " take", "take-1.wav", "a=b", "'=1", "−16.1"])
def test_other_texts_stay(text):
    assert as_cell(text) == text
