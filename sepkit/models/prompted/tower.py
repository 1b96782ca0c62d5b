"""What a sound means, as a vector of the space in which prompts are: text and sound side by side with no download.

    sound ─ 16 kHz ─ encoder ─ tags ─ how likely each known sound is ─ the likeliest few, weighed ─ vector
    words ─ the sound that they mean, where they mean one ─ table of word pieces ──────────────────── vector

Cosines are smaller steps than CLAP's: a sound is only ever made of those that sepkit knows. Place: behind the metric
`text_audio`, where the weights of CLAP are not.

Source: the convex combination of the words of what is recognised, Norouzi et al., "Zero-Shot Learning by Convex
Combination of Semantic Embeddings", ICLR 2014.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import open_source
from sepkit.audio.samples import Audio, Samples
from sepkit.models import prompts
from sepkit.models.prompted import weights
from sepkit.models.prompts import table
from sepkit.models.prompts.sounds import KNOWN
from sepkit.models.weights import WeightFile

if TYPE_CHECKING:
    from sepkit.models.prompted.network import PromptedNet

LIKELIEST = 5
"""Sounds that a vector is made of; the rest are what the network can never rule out."""


def of_words(prompt: str) -> NDArray[np.float32]:
    """The prompt's vector, of length 1: where it means a known sound that one's, so that synonyms are alike."""
    meant = prompts.understand(prompt)
    return _vector(meant.sound) if meant.near else meant.vector


def of_sound(samples: Samples, sample_rate: int, device: str = "cpu") -> NDArray[np.float32]:
    """The vector of (channels, frames), of length 1; zeros where nothing is heard."""
    from sepkit.models.prompted import hearing

    network = _network(weights.weight_file(), device)
    with open_source(Audio(samples, sample_rate)) as source:
        tags = np.concatenate([heard.likely for heard in hearing.hear(network, source)])
    likely = tags.mean(axis=0)
    best = np.argsort(likely)[-LIKELIEST:]
    vector = likely[best] @ np.stack([_vector(network.shape.sounds[place]) for place in best])
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


@cache
def _network(file: WeightFile, device: str) -> PromptedNet:
    """Read once for each file."""
    from sepkit.models.prompted.network import PromptedNet

    network = weights.read(file, device)
    assert isinstance(network, PromptedNet)
    return network


@cache
def _vector(sound: str) -> NDArray[np.float32]:
    found = table.load().vector(KNOWN[sound].label)
    assert found is not None, f"the label of {sound} has no word that the table knows"
    return found
