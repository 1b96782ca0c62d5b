"""The probability, 0 to 1, that AudioSet's tag "Music" fits, before and after, by the network Cnn14 of PANNs.

Source: Kong et al., "PANNs: Large-scale pretrained audio neural networks for audio pattern recognition",
IEEE/ACM TASLP 28, 2020, https://arxiv.org/abs/1912.10211; package panns_inference (MIT), weights
https://zenodo.org/record/3987831 (CC BY 4.0). At 32 kHz on the mean of the channels: the mean over a bounded
number of segments of 10 s, AudioSet's own clip length, spread evenly, the same ones before and after.
"""

from __future__ import annotations

import csv
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.errors import WeightsError
from sepkit.metrics.base import BaseMetric, Pair, Score, measured, mono_at, segments
from sepkit.models.weights import WeightFile, unreadable, verify

SAMPLE_RATE = 32_000
SEGMENT_FRAMES = 10 * SAMPLE_RATE
SHORTEST_FRAMES = SAMPLE_RATE
"""The network halves its 100 frames a second five times; what is shorter is filled up with silence."""
CHECKPOINT_SHA256 = "0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31"
LABELS_SHA256 = "cdd1049833c4b86127c2773ac0d14a2754b6a6d0d1798002ed5c66e699708429"
"""The publishers give no SHA-256 (Zenodo: MD5 541141fa2ee191a88f24a3219fff024e);
these are the ones that several users of the files report."""


class Options(config.Options):
    """segments: at most this many stretches of 10 s are heard in each file."""

    segments: int = Field(8, ge=1, le=10_000)


def catalogue() -> tuple[WeightFile, ...]:
    """The checkpoint and the list of AudioSet's tags, where panns_inference looks for them."""
    folder = Path.home() / "panns_data"
    return (
        WeightFile(
            model="panns-cnn14",
            path=folder / "Cnn14_mAP=0.431.pth",
            size_bytes=327_428_481,
            sha256=CHECKPOINT_SHA256,
            source="PANNs, https://zenodo.org/record/3987831",
            licence_code="MIT",
            licence_weights="CC BY 4.0",
            url="https://zenodo.org/record/3987831/files/Cnn14_mAP%3D0.431.pth?download=1",
        ),
        WeightFile(
            model="panns-cnn14",
            path=folder / "class_labels_indices.csv",
            size_bytes=14_675,
            sha256=LABELS_SHA256,
            source="AudioSet, https://research.google.com/audioset",
            licence_code="no code (a table)",
            licence_weights="CC BY 4.0",
            url="https://storage.googleapis.com/us_audioset/youtube_corpus/v1/csv/class_labels_indices.csv",
        ),
    )


class Metric(BaseMetric):
    """Probability of "Music" in mix and clean."""

    about = "How sure a network is that music plays."

    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """Checkpoint and tags."""
        return catalogue()

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("music_tag", "Music tag (PANNs)", "0–1", "lower"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Mean over the segments."""
        (row,) = self.rows()
        return (measured(row, self._probability(pair.mix), self._probability(pair.clean)),)

    @cached_property
    def _network(self) -> tuple[Any, int]:
        """The network and the place of "Music" among its outputs."""
        checkpoint, labels = catalogue()
        # Before the import: panns_inference runs wget by itself where the tags are absent.
        verify(checkpoint)
        verify(labels)
        import torch
        from panns_inference.models import Cnn14

        with labels.path.open(encoding="utf-8", newline="") as file:
            tags = [row["display_name"] for row in csv.DictReader(file)]
        network = Cnn14(
            sample_rate=SAMPLE_RATE,
            window_size=1024,
            hop_size=320,
            mel_bins=64,
            fmin=50,
            fmax=14000,
            classes_num=len(tags),
        )
        try:
            network.load_state_dict(torch.load(checkpoint.path, map_location="cpu", weights_only=True)["model"])
        except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
            found = unreadable(error)
            raise WeightsError(f"{checkpoint.path}: not a checkpoint of Cnn14 ({found}); fetch it anew") from error
        return network.eval(), tags.index("Music")

    def _probability(self, audio: Audio) -> float:
        network, music = self._network
        import torch

        heard = mono_at(audio, SAMPLE_RATE)
        heard = np.pad(heard, (0, max(0, SHORTEST_FRAMES - heard.size)))
        with torch.inference_mode():
            tagged = [
                network(torch.from_numpy(segment)[None])["clipwise_output"][0, music].item()
                for segment in segments(heard, SEGMENT_FRAMES, self.options.segments)
            ]
        return float(np.mean(tagged))
