"""Encoders of random weights: two layers of images, one layer of texts, each stored in under a second."""

from __future__ import annotations

from functools import cache

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.adapters.encoders.store_module import dump_image_encoder, dump_text_encoder
from growlearn.network.encoders.encoder import ImagePreprocessing, TextPreprocessing

IMAGES = ImagePreprocessing(size=12, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))
WORDS = ("[UNK]", "the", "cat", "dog", "sat", "ran", "good", "bad", "film", "a")


class TinyConv(nn.Module):
    """Images [B, 3, 12, 12] -> nine tokens [B, 9, 6] and a summary [B, 10]."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first = nn.Conv2d(3, 6, 4, stride=4)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 10, 3)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        grid = F.relu(self.norm(self.first(images)), inplace=True)  # [B, 6, 3, 3]
        return grid.flatten(2).transpose(1, 2), self.second(grid).flatten(1)


class TinyAttention(nn.Module):
    """Ids and mask [B, L] -> hidden states [B, L, 8]: places and one attention, as BERT's."""

    def __init__(self, max_ids: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(len(WORDS), 8)
        self.places = nn.Embedding(max_ids, 8)
        self.mix = nn.Linear(8, 24)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        hidden = self.words(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        query, key, value = self.mix(hidden)[:, None].chunk(3, dim=-1)  # [B, 1, L, 8] each
        allowed = (mask > 0)[:, None, None, :]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        answer: Tensor = hidden + mixed[:, 0]
        return answer


def text_preprocessing(max_ids: int = 40) -> TextPreprocessing:
    """Words split at spaces."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return TextPreprocessing(tokenizer=tokenizer.to_str(), max_ids=max_ids)


@cache
def image_encoder() -> bytes:
    """TinyConv as stored."""
    return dump_image_encoder(TinyConv(), IMAGES, name="tiny", library="file")


@cache
def text_encoder() -> bytes:
    """TinyAttention as stored."""
    how = text_preprocessing()
    return dump_text_encoder(TinyAttention(how.max_ids), how, name="tiny", library="file")
