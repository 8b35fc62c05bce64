"""A frozen pretrained encoder: raw images or texts of a column -> features, the same ones every time.

Stored as one safetensors file: the tensors of its graph, and what reads them as JSON in its header, so that
the preprocessing and the tokeniser travel with the weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Literal

import safetensors
import torch
from safetensors.torch import load, save
from torch import Tensor

from growlearn.domain.errors import GrowLearnError
from growlearn.network.encoders.graph import Call, Graph, GraphModule

_FORMAT = 1
_HEADER = "growlearn_encoder"


@dataclass(frozen=True, kw_only=True)
class ImagePreprocessing:
    """How pixels 0..255 become an encoder's input: resized to `size` x `size`, (x / 255 - mean) / std."""

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"


@dataclass(frozen=True, kw_only=True)
class TextPreprocessing:
    """How a text becomes token ids: a `tokenizers` file, and the number of ids kept of a text."""

    tokenizer: str  # JSON
    max_ids: int


@dataclass(frozen=True, kw_only=True)
class EncoderDescription:
    """What a stored encoder is, and the sizes of its features.

    A row has `num_tokens` tokens of `token_size` numbers and one summary of `summary_size`. `fingerprint` is
    of the tensors and the preprocessing, not of the graph: two versions of a library trace differently.
    """

    name: str
    library: str
    preprocessing: ImagePreprocessing | TextPreprocessing
    num_tokens: int
    token_size: int
    summary_size: int
    fingerprint: str
    num_parameters: int

    @property
    def reads(self) -> Literal["image", "text"]:
        """The type of column that it reads."""
        return "image" if isinstance(self.preprocessing, ImagePreprocessing) else "text"

    @property
    def num_features(self) -> int:
        """Numbers of a row: all tokens, then the summary."""
        return self.num_tokens * self.token_size + self.summary_size


def dump_encoder(description: EncoderDescription, graph: Graph, tensors: Mapping[str, Tensor]) -> bytes:
    """An encoder as stored; equal ones give equal bytes."""
    header = {
        "format": _FORMAT,
        "description": asdict(description),
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "calls": [[call.name, call.target, call.args, dict(call.kwargs)] for call in graph.calls],
    }
    contiguous = {name: tensor.cpu().contiguous() for name, tensor in sorted(tensors.items())}
    return save(contiguous, {_HEADER: json.dumps(header, sort_keys=True)})


def fingerprint(tensors: Mapping[str, Tensor], preprocessing: ImagePreprocessing | TextPreprocessing) -> str:
    """The sha256 of an encoder's tensors, whatever their names, and of its preprocessing."""
    digests = sorted(
        sha256(repr((tensor.dtype, tuple(tensor.shape))).encode() + _to_bytes(tensor)).hexdigest()
        for tensor in tensors.values()
    )
    return sha256(json.dumps([digests, asdict(preprocessing)], sort_keys=True).encode()).hexdigest()


def _to_bytes(tensor: Tensor) -> bytes:
    return bytes(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)


def read_encoder(content: bytes) -> tuple[EncoderDescription, GraphModule]:
    """A stored encoder; raises GrowLearnError where the bytes are none, or call no operator of torch."""
    header = _read_header(content)
    calls = (Call(name, target, tuple(args), kwargs) for name, target, args, kwargs in header["calls"])
    graph = Graph(tuple(header["inputs"]), tuple(calls), tuple(header["outputs"]))
    # Cloned into memory that torch aligns: the last bit of a product can depend on the alignment.
    tensors = {name: tensor.clone() for name, tensor in sorted(load(content).items())}
    return _read_description(header["description"]), GraphModule(graph, tensors).eval()


def read_description(content: bytes) -> EncoderDescription:
    """What a stored encoder is; raises GrowLearnError where the bytes are none."""
    return _read_description(_read_header(content)["description"])


def _read_header(content: bytes) -> dict[str, Any]:
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_HEADER])
        version = header["format"]
        safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise GrowLearnError(
            "this is no encoder that was stored by growlearn",
            hint="write one with growlearn.encoders.save_encoder",
        ) from error
    if version != _FORMAT:
        raise GrowLearnError(
            f"the encoder has format {version}; this version reads {_FORMAT}",
            hint="store it again with this version",
        )
    return dict(header)


def _read_description(data: dict[str, Any]) -> EncoderDescription:
    given = data["preprocessing"]
    preprocessing: ImagePreprocessing | TextPreprocessing
    if "tokenizer" in given:
        preprocessing = TextPreprocessing(**given)
    else:
        preprocessing = ImagePreprocessing(
            **{**given, "mean": tuple(given["mean"]), "std": tuple(given["std"])}
        )
    return EncoderDescription(**{**data, "preprocessing": preprocessing})
