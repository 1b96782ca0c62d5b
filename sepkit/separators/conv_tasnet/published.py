"""The published Conv-TasNets by name, and where they are fetched from.

Sources: the models' pages, https://huggingface.co/JorisCos, which give figures, licences and what each was trained on.
The hub calls a file by its SHA-256; what stands here is what three projects that pin that file agree on. Of the others
nobody gives one. A file's own `sample_rate` says 8000 in models of 16 kHz too, since their recipe never set it, so that
the rate is that of the page.
"""

from __future__ import annotations

from typing import NamedTuple

from sepkit.config.known_names import Known
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, torch_checkpoints
from sepkit.separators._voices.separator import COST_FROM

SOURCE = (
    "Luo and Mesgarani, Conv-TasNet, 2019, https://arxiv.org/abs/1809.07454; https://github.com/asteroid-team/asteroid"
)
CLEAN = "CC BY-SA 3.0"
NOISY = "CC BY-SA 3.0, and not for commercial use: trained on noise of WHAM!, CC BY-NC 4.0"
PARAMETERS = {2: 5_066_929, 3: 5_132_977}
"""By voices, at 16 kHz; those of 8 kHz have 16 thousand fewer."""
FLOAT_BYTES = 4
CPU_SECONDS = 0.27
"""A second of sound; as many steps at 8 kHz as at 16."""


class Published(NamedTuple):
    """A model. improved_db: SI-SDR beside the mix, of the test set that its name tells. size_bytes: 0 is not known."""

    sample_rate: int
    voices: int
    improved_db: float
    licence: str = CLEAN
    revision: str = "main"
    size_bytes: int = 0
    sha256: str = ""


MODELS = {
    "ConvTasNet_Libri2Mix_sepclean_16k": Published(
        16000,
        2,
        15.24,
        revision="e1ef95ab7a037950f3a606b9a56760cf94701d3d",
        size_bytes=20_394_640,
        sha256="8d97f012f7b2f22bb79cb0d0983a7ba27a52c1796ee3f63cbf25b4d28630adce",
    ),
    "ConvTasNet_Libri2Mix_sepclean_8k": Published(8000, 2, 14.76),
    "ConvTasNet_Libri2Mix_sepnoisy_16k": Published(16000, 2, 12.55, NOISY),
    "ConvTasNet_Libri2Mix_sepnoisy_8k": Published(8000, 2, 11.94, NOISY),
    "ConvTasNet_Libri3Mix_sepclean_16k": Published(16000, 3, 12.30),
    "ConvTasNet_Libri3Mix_sepclean_8k": Published(8000, 3, 11.98),
    "ConvTasNet_Libri3Mix_sepnoisy_16k": Published(16000, 3, 10.28, NOISY),
    "ConvTasNet_Libri3Mix_sepnoisy_8k": Published(8000, 3, 10.39, NOISY),
}


def file(name: str) -> WeightFile:
    """A model's checkpoint."""
    found = MODELS[name]
    page = f"https://huggingface.co/JorisCos/{name}"
    mix = f"Libri{found.voices}Mix, {'noisy' if found.licence is NOISY else 'clean'}"
    return WeightFile(
        model=name,
        path=torch_checkpoints() / name / "pytorch_model.bin",
        size_bytes=found.size_bytes or FLOAT_BYTES * PARAMETERS[found.voices],
        sha256=found.sha256,
        source=SOURCE,
        licence_code="MIT",
        licence_weights=found.licence,
        url=f"{page}/resolve/{found.revision}/pytorch_model.bin",
        exact_size=found.size_bytes > 0,
        about=About(
            "speakers",
            tuple(f"speaker_{number}" for number in range(1, found.voices + 1)),
            found.sample_rate,
            f"SI-SDRi {found.improved_db:.2f} dB, {mix}",
            page,
            CPU_SECONDS,
            COST_FROM,
            "what lies above its rate follows",
        ),
    )


def catalogue() -> tuple[WeightFile, ...]:
    """The file of every model."""
    return tuple(file(name) for name in MODELS)


def names() -> tuple[Known, ...]:
    """Each model's name, and that of its page, by which asteroid knows it."""
    return tuple(
        known
        for name in MODELS
        for known in (
            Known(name, name, {"model": name}),
            Known(f"JorisCos/{name}", name, {"model": name}, "asteroid"),
        )
    )
