"""Encoders of texts from transformers: BERT and its relatives, with their tokeniser."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from growlearn.adapters.encoders.hub import find_in_hub
from growlearn.adapters.encoders.store_module import dump_text_encoder
from growlearn.adapters.encoders.weights_files import needing
from growlearn.adapters.torchvision_operators import declare_missing_operators
from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.network.encoders.encoder import TextPreprocessing

_MAX_IDS = 256  # of a text; the cost of attention grows with its square


class HiddenStates(nn.Module):
    """The last hidden states of a model."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Ids and mask [B, L] -> hidden states [B, L, E]."""
        hidden: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return hidden


def read(config: EncoderConfig) -> bytes:
    """The stored form of a model and its tokeniser; raises GrowLearnError where one is wrong or missing."""
    declare_missing_operators()
    with needing("transformers", "text"):
        transformers: Any = import_module("transformers")  # an extra, and takes seconds
    folder = _find_folder(config)
    transformers.utils.logging.disable_progress_bar()
    try:
        model, report = transformers.AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            output_loading_info=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise GrowLearnError(
            f"transformers cannot read {folder}: {str(error).strip().splitlines()[0]}",
            hint="it must hold config.json, model.safetensors and tokenizer.json",
        ) from error
    missing = [key for key in report["missing_keys"] if not key.startswith("pooler.")]
    if missing:
        raise GrowLearnError(
            f"{folder} has no {missing[0]!r}, and lacks {len(missing)} tensors of its model",
            hint="these are the weights of another model",
        )
    model = model.float()  # newer weights are stored in half precision, which a processor computes slowly
    limits = (_read_max_length(folder), getattr(model.config, "max_position_embeddings", _MAX_IDS))
    how = TextPreprocessing(tokenizer=_read_tokenizer(folder), max_ids=int(min(_MAX_IDS, *limits)))
    name = config.name or folder.name
    return dump_text_encoder(
        HiddenStates(model), how, name=name, library=f"transformers {transformers.__version__}"
    )


def _read_tokenizer(folder: Path) -> str:
    """The tokeniser as it was published: transformers would rebuild it, with other special tokens."""
    try:
        return (folder / "tokenizer.json").read_text(encoding="utf-8")
    except OSError as error:
        raise GrowLearnError(
            f"the tokeniser of {folder} has no tokenizer.json", hint="choose a model with a fast tokeniser"
        ) from error


def _read_max_length(folder: Path) -> int:
    """The most ids that the tokeniser gives a text, where it says so."""
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _MAX_IDS
    return int(settings.get("model_max_length", _MAX_IDS))


def _find_folder(config: EncoderConfig) -> Path:
    """The folder of a model: the one that the job names, or that of the hub's cache."""
    if config.weights is None:
        assert config.name is not None
        for file in ("tokenizer.json", "model.safetensors"):
            find_in_hub(config.name, config.revision, file)
        return find_in_hub(config.name, config.revision, "config.json").parent
    folder = Path(config.weights)
    if not (folder / "config.json").is_file():
        raise GrowLearnError(
            f"{folder} is no folder of a transformers model: it has no config.json",
            hint="check model.encoder.weights",
        )
    return folder
