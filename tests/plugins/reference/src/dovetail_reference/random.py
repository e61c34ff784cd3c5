"""Philox 4x32-10: random words as a pure function of a key and a counter.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def philox(key: int, first_block: int, blocks: int) -> Array:
    """The words of these blocks: ``(blocks, 4)``, uint64 below 2**32."""
    counter = np.uint64(first_block % 2**64) + np.arange(blocks, dtype=np.uint64)
    c0, c1 = counter & _MASK, counter >> _SHIFT
    c2, c3 = np.zeros_like(c0), np.zeros_like(c0)
    k0, k1 = key % 2**32, (key >> 32) % 2**32
    for _ in range(10):
        product0, product1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (
            (product1 >> _SHIFT) ^ c1 ^ np.uint64(k0),
            product1 & _MASK,
            (product0 >> _SHIFT) ^ c3 ^ np.uint64(k1),
            product0 & _MASK,
        )
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return np.stack([c0, c1, c2, c3], axis=1)


def words32(args: Any, n: int) -> Array:
    return philox(args[1], args[2], -(-n // 4)).ravel()[:n]


def words64(args: Any, n: int) -> Array:
    """Two words an element, the first the lower half."""
    w = philox(args[1], args[2], -(-n // 2)).reshape(-1, 2)
    return (w[:, 0] | (w[:, 1] << _SHIFT))[:n]


def uniforms64(w: Array) -> Array:
    """53 bits in [0, 1) of a pair of words."""
    return ((w[..., 0] >> np.uint64(5)) * np.float64(2**26) + (w[..., 1] >> np.uint64(6))) * 2.0**-53


def drawn(fn: Callable[[Any, Array], Array]) -> Callable[[Any, Any, Any], None]:
    """A kernel; the two parts of a complex number are drawn as two real ones."""

    def kernel(outs: Any, ins: Any, args: Any) -> None:
        out = np.asarray(outs[0])
        parts = {"complex64": np.float32, "complex128": np.float64}.get(out.dtype.name)
        like = np.empty(2 * out.size if parts else out.size, parts or out.dtype)
        out[...] = fn(args, like).astype(like.dtype).view(out.dtype).reshape(out.shape)

    return kernel


def uniform(args: Any, out: Array) -> Array:
    n = out.size
    if out.dtype == np.float64:
        return uniforms64(philox(args[1], args[2], -(-n // 2)).reshape(-1, 2))[:n]
    values = (words32(args, n) >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    steps = {"float16": 2**11, "bfloat16": 2**8}.get(out.dtype.name)  # what they hold below 1
    return np.floor(values * steps) / steps if steps else values


def normal(args: Any, out: Array) -> Array:
    """Box and Muller: a pair of uniforms makes a pair of normals."""
    n = out.size
    if out.dtype == np.float64:
        u = uniforms64(philox(args[1], args[2], -(-n // 2)).reshape(-1, 2, 2))
        u1, u2 = u[:, 0] + 2.0**-53, u[:, 1]
    else:
        w = (philox(args[1], args[2], -(-n // 4)) >> np.uint64(8)).reshape(-1, 2).astype(np.float64)
        u1, u2 = (w[:, 0] + 1) * 2.0**-24, w[:, 1] * 2.0**-24
    radius, angle = np.sqrt(-2 * np.log(u1)), 2 * np.pi * u2
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return np.asarray(pairs.ravel()[:n])


def randint(outs: Any, ins: Any, args: Any) -> None:
    out = np.asarray(outs[0])
    low, high = args[3], args[4]
    drawn = words64(args, out.size) % np.uint64((high - low) % 2**64)
    out[...] = (drawn + np.uint64(low % 2**64)).astype(np.int64).reshape(out.shape)


def bits(outs: Any, ins: Any, args: Any) -> None:
    out = np.asarray(outs[0])
    out[...] = words64(args, out.size).astype(np.int64).reshape(out.shape)


KERNELS = {
    "philox_uniform": drawn(uniform),
    "philox_normal": drawn(normal),
    "philox_randint": randint,
    "philox_bits": bits,
}
