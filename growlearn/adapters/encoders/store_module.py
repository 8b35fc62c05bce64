"""A torch module of any origin as a stored encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from growlearn.domain.errors import GrowLearnError
from growlearn.network.encoders.encoder import (
    EncoderDescription,
    ImagePreprocessing,
    TextPreprocessing,
    dump_encoder,
    fingerprint,
)
from growlearn.network.encoders.graph import GraphModule, trace
from growlearn.network.encoders.preprocessing import NUM_SEGMENTS, open_tokenizer

_MAX_BATCH = 4096  # rows
_EXAMPLE_IDS = 32  # of a text
_TOLERANCE = 1e-5


def dump_image_encoder(module: nn.Module, how: ImagePreprocessing, *, name: str, library: str) -> bytes:
    """A module from float32 [B, 3, size, size] to tokens [B, T, E] and summary [B, S], as stored.

    Raises GrowLearnError where it returns something else, or answers otherwise after it was stored.
    """
    example = (torch.rand(2, 3, how.size, how.size, generator=torch.Generator().manual_seed(0)),)
    tokens, summary = _check_outputs(module, example)
    batch = torch.export.Dim("batch", min=1, max=_MAX_BATCH)
    description = {
        "num_tokens": tokens.shape[1],
        "token_size": tokens.shape[2],
        "summary_size": summary.shape[1],
    }
    return _dump(module, example, [{0: batch}], how, {**description, "name": name, "library": library})


def dump_text_encoder(module: nn.Module, how: TextPreprocessing, *, name: str, library: str) -> bytes:
    """A module from ids and mask int64 [B, L] to hidden states [B, L, E], as stored; raises as for images."""
    num_ids = min(_EXAMPLE_IDS, how.max_ids)
    vocabulary = open_tokenizer(how).get_vocab_size()
    ids = torch.randint(0, vocabulary, (2, num_ids), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, num_ids // 2 :] = 0
    hidden = _run(module, (ids, mask))
    if not (isinstance(hidden, Tensor) and hidden.ndim == 3 and hidden.shape[:2] == ids.shape):
        raise GrowLearnError(
            "an encoder of texts returns hidden states [B, L, E]",
            hint="wrap it in a module whose forward does",
        )
    width = hidden.shape[2]
    batch = torch.export.Dim("batch", min=1, max=_MAX_BATCH)
    length = torch.export.Dim("length", min=2, max=how.max_ids)
    description = {"num_tokens": NUM_SEGMENTS, "token_size": width, "summary_size": width}
    dynamic = [{0: batch, 1: length}] * 2
    return _dump(module, (ids, mask), dynamic, how, {**description, "name": name, "library": library})


def _check_outputs(module: nn.Module, example: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    outputs = _run(module, example)
    if not (
        isinstance(outputs, tuple | list)
        and [getattr(output, "ndim", None) for output in outputs] == [3, 2]
        and all(len(output) == len(example[0]) for output in outputs)
    ):
        raise GrowLearnError(
            "an encoder of images returns tokens [B, T, E] and a summary [B, S], in this order",
            hint="wrap it in a module whose forward does",
        )
    return outputs[0], outputs[1]


def _run(module: nn.Module, example: Sequence[Tensor]) -> Any:
    shapes = ", ".join(str(list(tensor.shape)) for tensor in example)
    with torch.no_grad():
        try:
            return module.eval()(*example)
        except Exception as error:  # whatever somebody's module raises
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise GrowLearnError(
                f"the encoder fails on an example of shape {shapes}: {reason}",
                hint="its forward takes images [B, 3, size, size], or ids and mask [B, L] of texts",
            ) from error


def _dump(
    module: nn.Module,
    example: Sequence[Tensor],
    dynamic: Sequence[Mapping[int, Any]],
    how: ImagePreprocessing | TextPreprocessing,
    fields: Mapping[str, Any],
) -> bytes:
    graph, tensors = trace(module, example, dynamic)
    expected, stored = _run(module, example), GraphModule(graph, tensors)(*example)
    for one, other in zip([expected] if isinstance(expected, Tensor) else expected, stored, strict=True):
        if not torch.allclose(one, other, atol=_TOLERANCE, rtol=_TOLERANCE):
            raise GrowLearnError("the traced encoder answers otherwise than the encoder itself")
    description = EncoderDescription(
        preprocessing=how,
        fingerprint=fingerprint(tensors, how),
        num_parameters=sum(tensor.numel() for tensor in tensors.values() if tensor.is_floating_point()),
        **fields,
    )
    return dump_encoder(description, graph, tensors)
