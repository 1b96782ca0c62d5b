"""How the speech gets its final level: one gain, found where someone speaks, and the ceiling.

    blocks ─┬ loudness ───────────────┐
            └ voice activity ─ spoken ┴ gain ─ held back far from speech ─ limiter ─ encode

Voice activity is heard on the source and on the speech together. Without speech there is no gain. What was done is
told in numbers (`facts`) and, where it is not what one would expect, in sentences (`notes`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from sepkit.audio.read import Source
from sepkit.audio.samples import Samples
from sepkit.audio.spool import Spool
from sepkit.audio.windows import blocks
from sepkit.clock import Clock
from sepkit.config.sections import LoudnessConfig
from sepkit.models import spoken, weights
from sepkit.models.spoken import Spoken
from sepkit.models.voice_activity import STEP_S, weight_file
from sepkit.render.base import Finish
from sepkit.render.result import LITTLE_SPEECH, NO_SPEECH
from sepkit.stages.hold_back import HoldBack
from sepkit.stages.level import Leveller
from sepkit.stages.limiter import Work
from sepkit.stages.loudness import LoudnessMeter, make_gain
from sepkit.stages.true_peak import TruePeakMeter

SHORT_LU = 0.5
"""A result that misses the target by more says why."""
TOO_QUIET = 1e-7
"""−70 dB of full scale: a source that is nowhere louder may well hold speech, though none was found."""
QUIET = "too quiet to measure, left as it is"
TOLD_DB = 1.0
"""Below this, hardly anybody hears what a limiter did; the facts tell it all the same."""


def needs_voice_activity(config: LoudnessConfig) -> bool:
    """Whether the gain depends on where someone speaks."""
    return config.target_lufs is not None and config.least_speech_s > 0


def require_detector(config: LoudnessConfig) -> None:
    """The detector comes inside its package. It is no part of what a finished batch was rendered with."""
    if needs_voice_activity(config):
        weights.require((weight_file(),))


class Levelled(Finish):
    """One gain for the whole speech, which brings it to the target, and the ceiling."""

    def __init__(self, config: LoudnessConfig, source: Source) -> None:
        info = source.info
        self._config = config
        self._source = source
        self._before = LoudnessMeter(info.sample_rate, info.channels)
        self._after = LoudnessMeter(info.sample_rate, info.channels)
        listens = needs_voice_activity(config)
        self._listener = spoken.Listener(info.sample_rate, info.channels) if listens else None
        self._heard_frames = 0
        self._spoken: Spoken | None = None
        self._spans: list[tuple[int, int]] | None = None
        self._gain = 1.0
        self._wanted_gain_db = 0.0
        self._held: HoldBack | None = None
        self._work = Work()

    def hear(self, block: Samples, clock: Clock) -> None:
        """Measure, and hear the same stretch of the source."""
        with clock("loudness"):
            self._before.add(block)
        if self._listener:
            with clock("read"):
                mix = self._source.read(self._heard_frames, block.shape[1])
            with clock("voice activity"):
                self._listener.add(mix, block)
        self._heard_frames += block.shape[1]

    def blocks(self, spool: Spool, clock: Clock) -> Iterator[Samples]:
        """Level."""
        config = self._config
        with clock("voice activity"):
            self._choose_gain()
        peak_dbtp = self._peak_dbtp(spool) if config.ceiling_by == "gain" else None
        leveller = Leveller(config, spool.sample_rate, spool.channels, self._gain, peak_dbtp)
        self._gain = leveller.gain
        for start, frames in blocks(spool.frames, spool.sample_rate, spool.channels):
            with clock("level"):
                block = leveller.process(self._read(spool, start, frames), last=start + frames == spool.frames)
            with clock("loudness"):
                self._after.add(block)
            yield block
        self._work = leveller.work

    def facts(self) -> dict[str, float]:
        """The loudness before and after, the gain; how much speech was found, and where the gain was not the same."""
        found = {
            "loudness_before_levelling_lufs": self._lufs(self._before),
            "levelling_gain_db": 20 * math.log10(self._gain),
            "loudness_after_levelling_lufs": self._lufs(self._after),
        }
        if self._spoken:
            found["speech_found_s"] = self._spoken.seconds()
        if self._held:
            found |= {"held_back_s": self._held.seconds, "held_back_most_db": self._held.most_db}
        if self._work.most_db:
            most_db, at_s, seconds = self._work
            found |= {"limiter_most_db": most_db, "limiter_most_at_s": at_s, "limiter_s": seconds}
        return found

    def notes(self) -> tuple[str, ...]:
        """What kept the speech from its target, or the gain from being the same throughout."""
        if self._config.target_lufs is None:
            return ()
        found = [self._no_gain() or self._short(self._config.target_lufs)]
        if self._held and self._held.seconds:
            found.append(
                f"the gain is up to {self._held.most_db:.1f} dB smaller for {self._held.seconds:.1f} s in which nobody "
                "speaks, so as not to be louder there than the source"
            )
        if self._work.most_db >= TOLD_DB:
            most_db, at_s, seconds = self._work
            found.append(f"the limiter worked for {seconds:.1f} s, the most at {at_s:.1f} s, by {most_db:.1f} dB")
        return tuple(filter(None, found))

    def _choose_gain(self) -> None:
        """The gain that the speech asks for, and where it is held back; nothing where there is too little speech."""
        config = self._config
        if self._listener:
            self._spoken = self._listener.spoken()
            if self._spoken.seconds() < config.least_speech_s:
                return
            self._spans = self._spoken.spans(self._source.info.sample_rate)
        lufs = self._lufs(self._before)
        self._gain = make_gain(lufs, config.target_lufs, config.max_gain_db)
        if config.target_lufs is not None and lufs > -math.inf:
            self._wanted_gain_db = config.target_lufs - lufs
        if self._spoken and self._gain > 1:
            heard = self._spoken
            gain_db = 20 * math.log10(self._gain)
            self._held = HoldBack.of(heard.spoken, heard.power, heard.power_before, gain_db, STEP_S)

    def _lufs(self, meter: LoudnessMeter) -> float:
        """Where someone speaks, or of all where that is not known."""
        return meter.integrated_lufs(self._spans)

    def _read(self, spool: Spool, start: int, frames: int) -> Samples:
        block = spool.read(start, frames)
        return self._held.apply(block, start, spool.sample_rate) if self._held else block

    def _peak_dbtp(self, spool: Spool) -> float:
        meter = TruePeakMeter(spool.sample_rate, spool.channels)
        for start, frames in blocks(spool.frames, spool.sample_rate, spool.channels):
            meter.add(self._read(spool, start, frames))
        return meter.peak_dbtp()

    def _no_gain(self) -> str:
        """Why no gain was applied at all; empty where one was."""
        if self._spoken is None or self._spans is not None:
            return "" if self._lufs(self._before) > -math.inf else QUIET
        found_s, asked_s = round(self._spoken.seconds(), 1), self._config.least_speech_s
        found = f"{LITTLE_SPEECH} ({found_s} s, {asked_s:g} s are asked)" if found_s else NO_SPEECH
        is_quiet = self._spoken.power_before.max(initial=0) <= TOO_QUIET
        return f"{found}, {QUIET if is_quiet else 'left as loud as it is'}"

    def _short(self, target_lufs: float) -> str:
        """By how much the target is missed, and why; empty where it is reached."""
        config, lufs = self._config, self._lufs(self._after)
        gain_db, missing = 20 * math.log10(self._gain), target_lufs - lufs
        peaks = f"keep the peaks at {config.ceiling_dbtp} dBTP"
        if missing <= SHORT_LU:
            return ""
        if self._wanted_gain_db > config.max_gain_db:
            why = f"gain limited to {config.max_gain_db:g} dB"
        elif gain_db < self._wanted_gain_db - SHORT_LU:
            why = f"turned down by {self._wanted_gain_db - gain_db:.1f} dB to {peaks}"
        elif self._lufs(self._before) + gain_db - lufs > SHORT_LU and config.ceiling_dbtp is not None:
            by = "limited" if config.ceiling_by == "limiter" else "clipped"
            why = f"{by} to {peaks}"
        else:
            why = "parts of it lay under −70 LUFS, where loudness is not measured"
        return f"{why}: {lufs:.1f} LUFS, {missing:.1f} LU short of {target_lufs:g}"
