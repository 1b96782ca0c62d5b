"""The task *speech*: the voice out of a recording, levelled, and the background as it was.

    members ─ fuse ─ denoise ─ post-mask ─ equalise ─ (join) ─ loudness ─ speech
                └ fused: what the members agreed on            mix − speech before loudness ─ background

Only the speech is brought to a loudness; the background keeps the level it has in the mix.
"""

from __future__ import annotations

import math

import numpy as np

from sepkit.audio import resample
from sepkit.audio.read import Source, SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.stft import Stft
from sepkit.config import Config, plugins
from sepkit.render.base import BaseTask, Finish, Part, Stem
from sepkit.render.levelled import Levelled, require_detector
from sepkit.stages import denoise, equalise, fuse, post_mask


class Task(BaseTask):
    """Speech and background."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.denoise:
            self.denoiser = plugins.make("denoisers", config.denoise.denoiser, config.denoise.options)
        self._stft = Stft(config.stft.fft_frames, config.stft.hop_frames)

    def stems(self, info: SourceInfo | None = None) -> tuple[Stem, ...]:
        """Speech; background, whose file is written where it is asked for; and the members' fused estimate."""
        output = self.config.output
        speech = Stem(
            "speech", output.speech_suffix, "After", "the speech as it was rendered", judged=True, against="fused"
        )
        about = "what was in the mix and is not in the speech, as loud as in the mix"
        background = Stem(
            "background", output.background_suffix, "Taken away", about, output.background,
            asked_by="output: {background: true}", rest_of=("speech",),
        )  # fmt: skip
        about = "what the members agreed on, before the later stages"
        return speech, background, Stem("fused", "", "Members", about, written=False, inner=True)

    def context_frames(self, sample_rate: int) -> int:
        """The reach of every stage, one after the other."""
        corners = self.config.equalise
        context_s = equalise.context_s(corners.high_pass_hz, corners.shelf_hz) if corners else 0.0
        frames = self._stft.fft_frames * (2 if self.config.post_mask else 1)
        if self.denoiser:
            context_s += self.denoiser.context_s + 2 * resample.CONTEXT_S
            frames += self._denoiser_grid(sample_rate)
        return frames + math.ceil(context_s * sample_rate)

    def render_window(self, part: Part) -> dict[str, Samples]:
        """Fuse, denoise, post-mask, equalise."""
        config, rate, clock = self.config, part.sample_rate, part.clock
        estimates = [(each.wanted, each.rest, each.weight) for each in part.estimates]
        with clock("fuse"):
            rule, kind = config.fuse.rule, config.fuse.mask
            speech = fused = fuse.fuse(part.mix, estimates, rule, self._stft, part.watch, kind)
        if config.denoise and self.denoiser:
            with clock("denoise"), self.blamed():
                first = -part.window.start % self._denoiser_grid(rate)
                wet, dry = config.denoise.wet, config.denoise.dry
                calm = denoise.denoise(speech[:, first:], rate, self.denoiser, wet, dry, part.statistics.std, clock)
                speech = np.concatenate([speech[:, :first], calm], axis=1)
        if config.post_mask:
            with clock("post-mask"):
                speech = post_mask.post_mask(speech, part.mix, config.post_mask.beta, self._stft)
        if config.equalise:
            with clock("equalise"):
                speech = equalise.equalise(speech, rate, **config.equalise.model_dump())
        return {"speech": speech, "fused": fused}

    def skipped(self, mix: Samples) -> dict[str, Samples]:
        """The source at the floor that `skip_silence` names, as the speech and as the fused estimate."""
        floor_db = self.config.skip_silence.floor_db if self.config.skip_silence else None
        floor = np.zeros_like(mix) if floor_db is None else mix * np.float32(10 ** (floor_db / 20))
        return {"speech": floor, "fused": floor}

    def load(self, device: str) -> None:
        """The denoiser; the detector of speech must be here too."""
        require_detector(self.config.loudness)
        super().load(device)

    def finish(self, stem: str, source: Source) -> Finish | None:
        """The speech is levelled."""
        return Levelled(self.config.loudness, source) if stem == "speech" else None

    def stages(self) -> list[str]:
        """As they stand in the configuration."""
        config = self.config
        found = [f"fuse {config.fuse.rule}"]
        found += [f"denoise {config.denoise.denoiser}"] if config.denoise else []
        found += [f"post-mask β {config.post_mask.beta:g}"] if config.post_mask else []
        found += ["equalise"] if config.equalise else []
        target = config.loudness.target_lufs
        return found + ([f"loudness {target:g} LUFS"] if target is not None else [])

    def _denoiser_grid(self, sample_rate: int) -> int:
        """Source frames between the places where a stretch for the denoiser may begin."""
        assert self.denoiser is not None
        return resample.aligned_frames(self.denoiser.grid_frames, self.denoiser.sample_rate, sample_rate)
