"""A published network in the task speakers: it knows the voices, and gives them in any order and at any level.

Witness: the true voices, as in `test_speakers`.
"""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from sepkit.audio.read import read_audio
from sepkit.config import load_config
from sepkit.render.pipeline import Pipeline
from sepkit.separators._voices import segments
from sepkit.separators.conv_tasnet.network import ConvTasNet
from tests.separators import parted_weights as weights
from tests.speakers.conversation import RATE, owners, truth
from tests.speakers.test_speakers import LONG

SEGMENT_S = 6


class Knowing:
    """In place of the network: the true voices of a segment, which is found by where it begins in the mix."""

    def __init__(self, mix: np.ndarray, voices: np.ndarray) -> None:
        self.mix, self.voices = mix, voices
        self.random = np.random.default_rng(0)
        self.starts: list[int] = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        heard, found = x.numpy(), []
        for row in heard:
            steps = range(0, self.mix.size - row.size + 1, SEGMENT_S * RATE * 3 // 4)
            (start,) = [at for at in steps if np.allclose(self.mix[at : at + row.size], row, atol=1e-4)]
            self.starts.append(start)
            order, scales = self.random.permutation(2), self.random.choice([-3.0, -0.1, 0.5, 20.0], (2, 1))
            found.append(self.voices[order, start : start + row.size] * scales)
        return torch.from_numpy(np.stack(found).astype(np.float32))


@pytest.fixture
def conversation(tmp_path, monkeypatch):
    voices = truth(LONG, 190)
    soundfile.write(tmp_path / "talk.wav", voices.sum(0), RATE, subtype="FLOAT")
    path = weights.asteroid(tmp_path / "pytorch_model.bin")
    options = f"{{weights: {path}, sample_rate: {RATE}, segment_s: {SEGMENT_S}}}"
    (tmp_path / "speakers.yaml").write_text(
        f"task: speakers\nmembers: [{{separator: conv_tasnet, options: {options}}}]\nwindows: {{body_s: 7.5}}\n"
    )
    network = Knowing(read_audio(tmp_path / "talk.wav").samples[0], voices)
    monkeypatch.setattr(ConvTasNet, "forward", lambda self, x: network(x))
    return tmp_path, voices, network


def rendered(folder) -> np.ndarray:
    found = Pipeline(load_config(folder / "speakers.yaml")).run(folder / "talk.wav")
    return np.stack([found.stems[f"speaker_{number}"].samples[0] for number in (1, 2)])


def test_each_person_stays_on_one_stem_at_the_level_of_the_mix_and_no_segment_is_heard_twice(conversation):
    folder, voices, network = conversation
    found = rendered(folder)
    assert owners(voices, found) == [{0}, {1}]
    np.testing.assert_allclose(found, voices, atol=2e-3)
    assert len(network.starts) == len(set(network.starts))


def test_without_the_order_of_segments_they_are_swapped(conversation, monkeypatch):
    """So that the test before this one can fail."""
    folder, voices, _ = conversation
    monkeypatch.setattr(segments, "order", lambda earlier, later: [0, 1])
    assert owners(voices, rendered(folder)) != [{0}, {1}]
