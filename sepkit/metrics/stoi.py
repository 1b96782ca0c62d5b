"""Short-time objective intelligibility, 0 to 1, against the reference, at the measure's own 10 kHz.

Source: Taal, Hendriks, Heusdens, Jensen, "An algorithm for intelligibility prediction of time-frequency
weighted noisy speech", IEEE Trans. Audio, Speech and Language Processing 19(7), 2011; computed by pystoi
(MIT), https://github.com/mpariente/pystoi. Works on the mean of the channels.
"""

from __future__ import annotations

import warnings

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, against_reference, mono_at, not_measured

SAMPLE_RATE = 10_000


class Options(config.Options):
    """`extended` takes ESTOI (Jensen and Taal, 2016), made for maskers that fluctuate as music does."""

    extended: bool = False


class Metric(BaseMetric):
    """STOI of mix and of clean against the reference."""

    about = "How much of the speech can be understood, from 0 to 1."

    options: Options

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        name = "estoi" if self.options.extended else "stoi"
        return (Score(name, name.upper(), "0–1", "higher"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """On the mean of the channels."""
        (row,) = self.rows()
        with warnings.catch_warnings():
            # where too little speech is left, pystoi warns and answers 1e-5, which is no measurement
            warnings.filterwarnings("error", message="Not enough STFT frames", category=RuntimeWarning)
            try:
                return (against_reference(row, pair, self._stoi),)
            except RuntimeWarning:
                return (not_measured(row, "the reference holds less than 0.4 s of speech"),)

    def _stoi(self, reference: Audio, estimate: Audio) -> float:
        from pystoi import stoi

        s, s_hat = mono_at(reference, SAMPLE_RATE), mono_at(estimate, SAMPLE_RATE)
        return float(stoi(s, s_hat, SAMPLE_RATE, extended=self.options.extended))
