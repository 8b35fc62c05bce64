"""Folders of transformers models: what a small BERT becomes, and what is wrong with others."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from growlearn.adapters.encoders import import_encoder
from growlearn.adapters.torchvision_operators import declare_missing_operators
from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.errors import GrowLearnError
from growlearn.ingest.rows import object_column
from growlearn.network.encoders.cache import FeatureCache
from growlearn.network.encoders.encoder import TextPreprocessing, read_description, read_encoder
from growlearn.network.encoders.features import Encoder
from tests.unit.tiny_encoders import WORDS


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BERT of two layers and random weights, and its tokeniser."""
    declare_missing_operators()
    transformers: Any = import_module("transformers")
    folder = tmp_path_factory.mktemp("bert")
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
    fast.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(bert: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(bert, tmp_path / "bert"))


def read(folder: Path) -> bytes:
    return import_encoder(EncoderConfig(source="transformers", weights=str(folder)))


def test_features_are_the_means_of_the_model_s_hidden_states(bert: Path) -> None:
    transformers: Any = import_module("transformers")
    description, graph = read_encoder(read(bert))
    assert isinstance(description.preprocessing, TextPreprocessing)
    assert description.preprocessing.max_ids == 40  # as many as it has places for
    assert (description.name, description.token_size) == (bert.name, 16)
    encoder = Encoder(description, graph, FeatureCache("0" * 64, description.num_features))
    features = encoder.features(object_column(["the cat sat", "dog " * 60]))
    model = transformers.AutoModel.from_pretrained(bert).eval()
    with torch.no_grad():
        short = model(input_ids=torch.tensor([[1, 2, 4]])).last_hidden_state[0]
        long = model(input_ids=torch.tensor([[3] * 40])).last_hidden_state[0]
    for row, hidden in zip(features, (short, long), strict=True):
        mean = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy()
        np.testing.assert_allclose(row[-16:], mean, atol=2e-3)


def test_weights_in_half_precision_are_read_as_single(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file({key: value.bfloat16() for key, value in load_file(path).items()}, path, {"format": "pt"})
    _, graph = read_encoder(read(folder))
    assert {tensor.dtype for tensor in graph.buffers() if tensor.is_floating_point()} == {torch.float32}


def test_missing_tensors_are_those_of_another_model(folder: Path) -> None:
    path = folder / "model.safetensors"
    kept = {key: value for key, value in load_file(path).items() if "layer.1." not in key}
    save_file(kept, path, {"format": "pt"})
    with pytest.raises(GrowLearnError, match=r"lacks 16 tensors of its model") as refused:
        read(folder)
    assert refused.value.hint == "these are the weights of another model"


def test_what_has_another_shape_is_one_sentence(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 32}))
    with pytest.raises(GrowLearnError, match="transformers cannot read") as refused:
        read(folder)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(GrowLearnError) as refused:
        read(folder)
    assert missing in f"{refused.value.message} {refused.value.hint}"
    assert "\n" not in refused.value.message


def test_a_model_of_another_kind_is_one_sentence(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "no_such_model"}))
    with pytest.raises(GrowLearnError, match="transformers cannot read"):
        read(folder)


def test_of_the_hub_s_cache_three_files_are_enough(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit, repository = "1" * 40, tmp_path / "models--some--bert"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit).mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(bert / name, repository / "snapshots" / commit / name)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a socket was opened"))
    by_name = import_encoder(EncoderConfig(source="transformers", name="some/bert"))
    description = read_description(by_name)
    assert description.name == "some/bert"
    assert description.fingerprint == read_description(read(bert)).fingerprint
