"""The task *dialogue*: speech, music and effects of a film or a broadcast, each as loud as in the mix, and a remix.

    members ─ fuse, sound by sound ─ share out what none of them holds ─┬ speech ┐
                                                                        ├ music ─┼ with their gains ─ remix
                                          mix − speech − music ─────────┴ effects┘

The three sum to the mix. There is no loudness, no equaliser and no limiter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sepkit.audio.read import SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.stft import Stft
from sepkit.config import Config
from sepkit.errors import ConfigError
from sepkit.render.base import BaseTask, Part, Stem
from sepkit.render.ensemble import Member
from sepkit.stages import fuse
from sepkit.stages.share_out import share_out

SPEECH, MUSIC, EFFECTS = SOURCES = ("speech", "music", "effects")
REMIX = "remix"


class Task(BaseTask):
    """Speech, music and effects; the remix where its gains are given."""

    sources = SOURCES

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._stft = Stft(config.stft.fft_frames, config.stft.hop_frames)

    def require(self, members: Sequence[Member]) -> None:
        """Members that tell all three apart, and no silence of voices: music is where nobody speaks too."""
        super().require(members)
        if self.config.skip_silence is not None:
            raise ConfigError(
                "skip_silence: the task 'dialogue' separates what is heard where nobody speaks, too; set it to null"
            )

    def stems(self, info: SourceInfo | None = None) -> tuple[Stem, ...]:
        """The remix is what a video gets. The effects are what is neither speech nor music."""
        speech = Stem(SPEECH, "__speech", "Speech", "what is spoken, as loud as in the mix", judged=True)
        music = Stem(MUSIC, "__music", "Music", "the music, as loud as in the mix", judged=True)
        about = "what is neither speech nor music, as loud as in the mix"
        effects = Stem(EFFECTS, "__effects", "Effects", about, judged=True, rest_of=(SPEECH, MUSIC))
        if self.config.dialogue.mix_gains_db is None:
            return speech, music, effects
        return Stem(REMIX, "__remix", "Remix", "the three with their gains"), speech, music, effects

    def context_frames(self, sample_rate: int) -> int:
        """Of the masks, where there are any, and of what is shared out."""
        masks = self.config.fuse.mask != "none"
        return self._stft.context_frames * (2 if masks else 1)

    def render_window(self, part: Part) -> dict[str, Samples]:
        """Fuse, share out, mix."""
        rule, kind = self.config.fuse.rule, self.config.fuse.mask
        with part.clock("fuse"):
            fused = [
                fuse.fuse(
                    part.mix,
                    [(each.sources[name], None, each.weight) for each in part.estimates],
                    rule,
                    self._stft,
                    part.watch if name == SPEECH else None,
                    kind,
                )
                for name in SOURCES
            ]
        with part.clock("share out"):
            speech, music, _ = share_out(part.mix, fused, self._stft)
        return self._with_remix(part.mix, speech, music)

    def skipped(self, mix: Samples) -> dict[str, Samples]:
        """All of it in the effects: nothing is skipped, since `require` refuses that."""
        return self._with_remix(mix, np.zeros_like(mix), np.zeros_like(mix))

    def stages(self) -> list[str]:
        """As they stand in the configuration."""
        gains = self.config.dialogue.mix_gains_db
        found = [f"fuse {self.config.fuse.rule}", "share out"]
        return found if gains is None else [*found, f"remix {gains.said}"]

    def _with_remix(self, mix: Samples, speech: Samples, music: Samples) -> dict[str, Samples]:
        """What a window gives beside the effects, which are the rest."""
        made = {SPEECH: speech, MUSIC: music}
        if (gains := self.config.dialogue.mix_gains_db) is not None:
            of_speech, of_music, of_effects = (np.float32(10 ** (gain_db / 20)) for gain_db in gains.each)
            made[REMIX] = of_speech * speech + of_music * music + of_effects * (mix - speech - music)
        return made
