"""Stored bytes inside a model's state dict."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from growlearn.domain.errors import CorruptArtifact


class StateDictArtifacts:
    """The `Artifacts` port over a dictionary that can be converted to tensors and back."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, content: bytes | memoryview) -> str:
        """Keep bytes; returns their sha256 in hex."""
        digest = sha256(content).hexdigest()
        self._contents[digest] = bytes(content)
        return digest

    def get(self, sha256: str) -> bytes:
        """The bytes of this hash; raises CorruptArtifact where there are none."""
        if sha256 not in self._contents:
            raise CorruptArtifact(f"artifact {sha256} is missing", hint="load a complete state dict")
        return self._contents[sha256]

    def view(self, sha256: str) -> bytes:
        """The same."""
        return self.get(sha256)

    def retain_only(self, digests: Iterable[str]) -> None:
        """Delete all but these."""
        self._contents = {digest: self._contents[digest] for digest in digests}

    def to_tensors(self) -> dict[str, Tensor]:
        """All contents as uint8 tensors."""
        return {digest: bytes_to_tensor(content) for digest, content in self._contents.items()}

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Load what `to_tensors` returned."""
        for tensor in tensors.values():
            self.put(tensor_to_bytes(tensor))


def bytes_to_tensor(content: bytes) -> Tensor:
    """Bytes [N] -> uint8 [N]."""
    return torch.from_numpy(np.frombuffer(content, np.uint8).copy())


def tensor_to_bytes(tensor: Tensor) -> bytes:
    """The reverse: uint8 [N] -> bytes."""
    return tensor.cpu().numpy().tobytes()
