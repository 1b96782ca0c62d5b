"""A corpus of made-up speakers, a folder each, and a training of seconds on it."""

import numpy as np
import soundfile

from sepkit.training.smoke import _voice
from sepkit.training.speakers_config import SpeakersConfig

RATE = 16000
NETWORK = {"kind": "compact_pair", "channels": [8, 12, 16], "hidden": 32, "across": 32, "dilations": [1, 4]}

SMALL = SpeakersConfig.model_validate(
    {
        "steps": 4,
        "batch": 2,
        "check_every": 2,
        "validation_mixes": 8,
        "warm_up_steps": 2,
        "average": 0.9,
        "workers": 0,
        "precision": "float32",
        "corpus": {"validation": ["v*"]},
        "mixes": {"segment_s": 1.0},
        "network": NETWORK,
    }
)
"""A run of seconds; speakers whose names begin with v are set aside."""


def speakers(folder, names=("ann", "ben", "cat", "dan", "vera", "viktor", "volker"), rate=RATE):
    """FOLDER/NAME/take.flac, 8 s each."""
    for seed, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        voice = _voice(np.random.default_rng(seed))
        soundfile.write(folder / name / "take.flac", 0.5 * voice / np.abs(voice).max(), rate)
    return folder
