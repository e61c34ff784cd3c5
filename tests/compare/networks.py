"""Whole networks, written once for both libraries: each function takes a Side and gives a network and its batches.

A batch is a tuple of arrays: what the network is called with, and the loss's target as the last.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.compare.rows import Side, integers, normal

__all__ = ["NETWORKS", "Network"]

BATCHES = 4


@dataclass(frozen=True)
class Network:
    """How to make a network, what it is fed with, and how its output and the target become the loss.

    Args:
        make: from a Side, the module.
        batch: from a number, the arrays of that batch.
        loss: from a Side, the output and the target.
    """

    make: Callable[[Side], Any]
    batch: Callable[[int], tuple[np.ndarray, ...]]
    loss: Callable[[Side, Any, Any], Any]


def classes(side: Side, output: Any, target: Any) -> Any:
    return side.nn.functional.cross_entropy(output.reshape(-1, output.shape[-1]), target.reshape(-1))


def squares(side: Side, output: Any, target: Any) -> Any:
    return side.nn.functional.mse_loss(output, target)


def mlp(side: Side) -> Any:
    nn = side.nn
    return nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 24), nn.ReLU(), nn.LayerNorm(24), nn.Linear(24, 3))


def lenet(side: Side) -> Any:
    nn = side.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 48),
        nn.Sigmoid(),
        nn.Linear(48, 10),
    )


def resnet(side: Side) -> Any:
    nn = side.nn

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(inplace=True),
                nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
                nn.BatchNorm2d(outside),
            )
            self.short = nn.Identity() if inside == outside and stride == 1 else nn.Conv2d(inside, outside, 1, stride)

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.body(x) + self.short(x))

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        Block(8, 8, 1),
        Block(8, 16, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def tagger(side: Side) -> Any:
    nn = side.nn

    class Tagger(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(20, 12, padding_idx=0)
            self.lstm = nn.LSTM(12, 16, num_layers=2, bidirectional=True, batch_first=True)
            self.out = nn.Linear(32, 5)

        def forward(self, words: Any, lengths: Any) -> Any:
            packed = nn.utils.rnn.pack_padded_sequence(self.embedding(words), lengths, True, enforce_sorted=False)
            states, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], True, total_length=words.shape[1])
            return self.out(states)

    return Tagger()


def tagged(number: int) -> tuple[np.ndarray, ...]:
    lengths = integers(10, 6, low=3, seed=number)
    words, tags = integers(20, 6, 9, low=1, seed=number), integers(5, 6, 9, seed=number + 50)
    padding = np.arange(9) >= lengths[:, None]
    return np.where(padding, 0, words), lengths, np.where(padding, -100, tags)


def gpt(side: Side) -> Any:
    nn = side.nn

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            batch, length, width = x.shape
            q, k, v = (
                part.reshape(batch, length, self.heads, width // self.heads).transpose(1, 2)
                for part in self.qkv(self.norm1(x)).chunk(3, -1)
            )
            seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(seen.transpose(1, 2).reshape(batch, length, width))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(30, 24), nn.Embedding(12, 24)
            self.blocks = nn.Sequential(*(Block(24, 4) for _ in range(3)))
            self.norm = nn.LayerNorm(24)
            self.head = nn.Linear(24, 30, bias=False)
            self.head.weight = self.tokens.weight  # tied

        def forward(self, tokens: Any) -> Any:
            places = side.library.arange(tokens.shape[1])
            return self.head(self.norm(self.blocks(self.tokens(tokens) / math.sqrt(24) + self.places(places))))

    return GPT()


def transformer(side: Side) -> Any:
    nn = side.nn

    class Translator(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.source, self.target = nn.Embedding(18, 16), nn.Embedding(18, 16)
            self.body = nn.Transformer(16, 2, 2, 2, 32, dropout=0.0, batch_first=True)
            self.out = nn.Linear(16, 18)

        def forward(self, source: Any, target: Any) -> Any:
            causal = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
            causal = causal.to(self.out.weight.dtype)
            padding = side.library.zeros(source.shape, dtype=causal.dtype).masked_fill(source == 0, -math.inf)
            out = self.body(
                self.source(source),
                self.target(target),
                tgt_mask=causal,
                src_key_padding_mask=padding,
                memory_key_padding_mask=padding,
                tgt_is_causal=True,
            )
            return self.out(out)

    return Translator()


def pairs(number: int) -> tuple[np.ndarray, ...]:
    source = integers(18, 5, 8, low=1, seed=number)
    source[::2, 6:] = 0
    target = integers(18, 5, 7, seed=number + 50)
    return source, target[:, :-1], target[:, 1:]


def autoencoder(side: Side) -> Any:
    nn = side.nn
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 2, 1),
        nn.GroupNorm(2, 4),
        nn.SiLU(),
        nn.ConvTranspose2d(4, 4, 4, 2, 1),
        nn.InstanceNorm2d(4, affine=True),
        nn.LeakyReLU(0.1),
        nn.Conv2d(4, 1, 1),
        nn.Softplus(),
    )


def picture(number: int) -> tuple[np.ndarray, ...]:
    image = normal(6, 1, 12, 12, seed=number)
    return image, np.abs(image)


NETWORKS = {
    "MLP": Network(mlp, lambda n: (normal(16, 10, seed=n), integers(3, 16, seed=n)), classes),
    "LeNet": Network(lenet, lambda n: (normal(8, 1, 24, 24, seed=n), integers(10, 8, seed=n)), classes),
    "ResNet": Network(resnet, lambda n: (normal(8, 3, 16, 16, seed=n), integers(10, 8, seed=n)), classes),
    "LSTM tagger": Network(tagger, tagged, classes),
    "GPT": Network(gpt, lambda n: (integers(30, 4, 12, seed=n), integers(30, 4, 12, seed=n + 50)), classes),
    "Transformer": Network(transformer, pairs, classes),
    "autoencoder": Network(autoencoder, picture, squares),
}
