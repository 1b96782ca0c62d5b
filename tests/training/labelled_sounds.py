"""A corpus of labelled sounds made of nothing, in the layout of ESC-50: a tone a label, five folds, two clips each."""

import csv

import numpy as np
import soundfile

from sepkit.training.text_config import TextConfig

RATE = 16000
TONES_HZ = {"dog": 500, "rain": 1000, "siren": 2000, "clock_tick": 4000}
SECONDS = 2.0

SMALL = TextConfig.model_validate(
    {
        "steps": 4,
        "batch": 2,
        "check_every": 2,
        "validation_mixes": 4,
        "warm_up_steps": 2,
        "average": 0.9,
        "workers": 0,
        "precision": "float32",
        "corpus": {"validation": ["esc50 fold 5"]},
        "mixes": {"segment_s": 1.0},
        "network": {"channels": [4, 4, 8, 8], "dilations": [1, 2]},
    }
)
"""A run of seconds."""


def tone(hz, seconds=SECONDS, level=0.3):
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def esc50(folder, labels=TONES_HZ, folds=(1, 2, 3, 4, 5)):
    """As it is published: audio/ and meta/esc50.csv."""
    (folder / "audio").mkdir(parents=True)
    (folder / "meta").mkdir()
    with (folder / "meta" / "esc50.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("filename", "fold", "target", "category"))
        for fold in folds:
            for number, (label, hz) in enumerate(labels.items()):
                for take in "AB":
                    name = f"{fold}-{number}-{take}-{number}.wav"
                    soundfile.write(folder / "audio" / name, tone(hz), RATE, "FLOAT")
                    writer.writerow((name, fold, number, label))
    return folder
