"""What AudioSep's published checkpoint is called elsewhere.

Source: https://github.com/Audio-AGI/AudioSep, README (MIT).
"""

from __future__ import annotations

from sepkit.config.known_names import Known

_PROMPT = {"prompt": "sound"}
"""Each edit has its own, which holds."""


def names() -> tuple[Known, ...]:
    """Its own, the file's, and the repository's."""
    elsewhere = ("audiosep_base_4M_steps.ckpt", "audiosep_base_4M_steps", "Audio-AGI/AudioSep")
    return (
        Known("audiosep", "audiosep", _PROMPT),
        *(Known(name, "audiosep", _PROMPT, "AudioSep") for name in elsewhere),
    )
