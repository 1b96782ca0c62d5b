"""The corpus that training is tried on, made once a module."""

import pytest

from sepkit.training.smoke import write_corpus


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made-up")
    write_corpus(folder)
    return folder
