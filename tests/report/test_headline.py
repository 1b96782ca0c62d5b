"""How a page begins: what was done in plain words, without praise that was not measured. Witness: the figures."""

import pytest

from sepkit.metrics.base import verdict
from sepkit.report.headline import beside_it, headline

SILENT = "no speech found, left as loud as it is"


def rows(basis="truth", **levels_db):
    levels = levels_db.items()
    return {name: {"before": before, "after": after, "basis": basis} for name, (before, after) in levels}


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (rows(music_residual=(-8.4, -29.2)), "What is not speech is 21 dB quieter between the words."),
        (rows(music_residual=(-8.4, -2.4)), "What is not speech is 6 dB louder between the words."),
        (rows(music_residual=(-15.6, -15.4)), "What is not speech is about as loud as before between the words."),
        (rows(music_residual=(-62, -71)), "There was little to take away."),
        (rows(music_residual=(-62, -30)), "What is not speech is 32 dB louder between the words."),
        (
            rows(music_residual=(-62, -71), music_left=(-20, -31)),
            "What is not speech is 11 dB quieter beside the speech.",
        ),
        (
            rows("own estimate", music_residual=(-8, -25)),
            "What is not speech is 17 dB quieter between the words, as sepkit's own estimate places them.",
        ),
        ({"music_residual": {"before": None, "after": None}}, ""),
    ],
)
def test_what_was_measured_is_said(metrics, said):
    assert headline(metrics) == said


def test_of_one_of_several_stems_nothing_is_said_for_all():
    figures = rows(music_residual=(-8.4, -29.2))
    assert headline(figures | {"speaker_2 music_residual": figures["music_residual"]}) == ""


def test_where_nobody_speaks_that_comes_first_and_nothing_is_between_words():
    loud = rows("own estimate", music_residual=(11, 13))
    assert headline(loud, ["of 2 sound tracks …", SILENT]) == "No speech found, left as loud as it is."
    assert headline({"speech": {"after": 0.0}, **loud}) == "No speech found."
    known = headline(rows(music_left=(0, -9), speech_lost=(None, -10)), [SILENT])
    assert known.startswith("No speech found, left as loud as it is. What is not speech is 9 dB quieter beside")
    assert known.endswith("About 10 % of the speech's energy went with it.")
    assert beside_it(["a", SILENT]) == ["a"] and beside_it(["a"]) == ["a"]


def test_records_made_before_a_row_had_its_basis_get_no_verdict_either():
    old = {"before": -8, "after": -25, "better": "lower", "basis": "independent"}
    assert verdict(old) == "better"
    assert verdict({**old, "note": "spans of speech found in the members' own estimate"}) == ""
    assert verdict({**old, "basis": "no speech"}) == ""
