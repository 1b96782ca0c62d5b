"""The YAML that comes with a RoFormer's checkpoint: read, checked, and turned into the sizes of the network.

Source: the layout of https://github.com/ZFTurbo/Music-Source-Separation-Training.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, Field, ValidationError

from sepkit.audio.source_info import SAMPLE_RATES_HZ
from sepkit.config.plain_yaml import PlainLoader, load
from sepkit.config.yaml_file import LONGEST_PROBLEM, read_text
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped

if TYPE_CHECKING:
    from sepkit.separators.roformer.network import Shape

DEFAULT_SAMPLE_RATE = 44100

LARGEST_FFT_FRAMES = 1 << 14
MOST_BANDS = 1 << 10
LONGEST_SEGMENT_FRAMES = 1 << 23
"""Some minutes; the published models see 8 to 20 s at once."""

Count = Annotated[int, Field(ge=1, le=1 << 16)]
"""Far above any published size, and their products are still numbers that torch can count with."""
Rate = Annotated[int, Field(ge=SAMPLE_RATES_HZ[0], le=SAMPLE_RATES_HZ[-1])]


class Model(BaseModel):
    """The YAML's section `model`; what only training needs is passed over."""

    dim: Count
    depth: Count
    stereo: bool = False
    num_stems: Count = 1
    time_transformer_depth: Count = 2
    freq_transformer_depth: Count = 2
    linear_transformer_depth: int = 0
    num_bands: Annotated[int, Field(ge=1, le=MOST_BANDS)] | None = None
    freqs_per_bands: tuple[Count, ...] | None = None
    dim_head: Annotated[int, Field(ge=2, le=1 << 16, multiple_of=2)] = 64
    heads: Count = 8
    sample_rate: Rate = DEFAULT_SAMPLE_RATE
    stft_n_fft: Annotated[int, Field(ge=1, le=LARGEST_FFT_FRAMES)] = 2048
    stft_hop_length: Count = 512
    stft_win_length: Count = 2048
    stft_normalized: bool = False
    mask_estimator_depth: Count | None = None
    mlp_expansion_factor: int = 4
    skip_connection: bool = False


class Section(BaseModel):
    """Fields of the other sections that say how a model is run."""

    chunk_size: Annotated[int, Field(ge=1, le=LONGEST_SEGMENT_FRAMES)] | None = None
    sample_rate: Rate | None = None
    instruments: tuple[str, ...] = ()
    target_instrument: str | None = None


class Description(BaseModel):
    """A model's YAML."""

    model: Model
    audio: Section = Section()
    training: Section = Section()
    inference: Section = Section()

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self.audio.sample_rate or self.model.sample_rate

    @property
    def segment_frames(self) -> int | None:
        """What the network sees at once; None: the YAML does not say."""
        return self.inference.chunk_size or self.audio.chunk_size


class _Loader(PlainLoader):
    """A loader that knows one more tag, which the community's files bear."""


def _tuple(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> tuple[Any, ...]:
    return tuple(loader.construct_sequence(node))


_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _tuple)


def read_description(path: Path) -> Description:
    """The YAML of a model, as its community publishes it; what is not one is an error that names the file."""
    text = read_text(path, "the one that was published with the checkpoint")
    try:
        return Description.model_validate(load(text, _Loader))
    except (yaml.YAMLError, ValidationError) as error:
        reason = clipped(" ".join(str(error).split()), LONGEST_PROBLEM)
        raise ConfigError(f"options.config: {path}: not a RoFormer's YAML ({reason})") from error


def shape_of(description: Description, name: str) -> Shape:
    """The network's sizes; what sepkit's network does not have is an error."""
    from sepkit.separators.roformer.network import WIDEN, Shape, mel_bands, side_by_side

    model, bins = description.model, description.model.stft_n_fft // 2 + 1
    unknown = {
        "stereo": not model.stereo,
        "linear_transformer_depth": model.linear_transformer_depth != 0,
        "stft_normalized": model.stft_normalized,
        "mlp_expansion_factor": model.mlp_expansion_factor != WIDEN,
        "skip_connection": model.skip_connection,
    }
    for field, given in unknown.items():
        if given:
            raise ConfigError(f"{name}: model.{field}: {getattr(model, field)} is not supported; choose another model")
    if (model.num_bands is None) == (model.freqs_per_bands is None):
        raise ConfigError(f"{name}: model needs num_bands (Mel-Band RoFormer) or freqs_per_bands (BS-RoFormer)")
    mel = model.num_bands is not None
    if not model.stft_hop_length < model.stft_win_length <= model.stft_n_fft:
        raise ConfigError(f"{name}: model: stft_hop_length, stft_win_length and stft_n_fft must rise in this order")
    if model.num_bands is not None:
        bands = mel_bands(model.num_bands, model.sample_rate, model.stft_n_fft)
    else:
        whole = sum(model.freqs_per_bands or ()) == bins
        bands = side_by_side(model.freqs_per_bands or ()) if whole else ()
    if not all(bands) or {bin for band in bands for bin in band} != set(range(bins)):
        raise ConfigError(f"{name}: model: its bands do not hold each of {bins} bins; check them and stft_n_fft")
    # The two trainers count the layers of a mask differently: all but the last, or all.
    layers = (model.mask_estimator_depth or 1) + 1 if mel else (model.mask_estimator_depth or 2)
    return Shape(
        bands=bands,
        dim=model.dim,
        depth=model.depth,
        stems=model.num_stems,
        time_depth=model.time_transformer_depth,
        band_depth=model.freq_transformer_depth,
        heads=model.heads,
        head_dim=model.dim_head,
        mask_layers=layers,
        fft_frames=model.stft_n_fft,
        hop_frames=model.stft_hop_length,
        window_frames=model.stft_win_length,
        normalise_each=mel,
    )
