"""Products, convolutions and attention: bounded by what the processor can multiply."""

from __future__ import annotations

from functools import partial

import memory
from rows import Mean

from .case import Case, Probe, Section

LARGE = 1.05
ANY = 1.2
BATCH = 16
IMAGES = ((64, 56), (128, 28), (256, 14))  # channels and height


def product(name: str, setup: str, flops: int, target: float, tolerance: float = 1e-5) -> Case:
    return Case(name, setup, "a @ b", target, flops=flops, tolerance=tolerance)


def square(n: int, target: float, cast: str = "", tolerance: float = 1e-5, dtype: str = "float32") -> Case:
    """Doubles count twice, since the measured peak is that of floats, and 16-bit floats not at all."""
    setup = f"a, b = data({n}, {n}){cast}, data({n}, {n}){cast}"
    counted = {"float32": 1, "float64": 2, "bfloat16": 0}[dtype]
    return product(f"{n} × {n} @ {n} × {n}, {dtype}", setup, counted * 2 * n**3, target, tolerance)


def batched(n: int, count: int) -> Case:
    setup = f"a, b = data({count}, {n}, {n}), data({count}, {n}, {n})"
    return product(f"{count} products {n} × {n} @ {n} × {n}", setup, 2 * count * n**3, ANY)


def convolution(name: str, channels: int, height: int, kernel: int, groups: int, target: float) -> list[Case]:
    """Forward, and forward with both gradients."""
    padding = kernel // 2
    setup = f"""
x = data({BATCH}, {channels}, {height}, {height})
w = data({channels}, {channels // groups}, {kernel}, {kernel})
g = data({BATCH}, {channels}, {height}, {height})
xg, wg = x.detach().clone().requires_grad_(), w.detach().clone().requires_grad_()
def forward(x, w):
    return F.conv2d(x, w, padding={padding}, groups={groups})
def both():
    return xp.autograd.grad(forward(xg, wg), [xg, wg], g)
"""
    flops = 2 * BATCH * channels * height**2 * kernel**2 * channels // groups
    title = f"conv2d {name}, {channels} channels, {height} × {height}"
    return [
        Case(f"{title}: forward", setup, "forward(x, w)", target, flops=flops, tolerance=1e-4),
        Case(f"{title}: forward, backward", setup, "both()", target, flops=3 * flops, tolerance=1e-4),
    ]


def attention(causal: bool) -> list[Case]:
    batch, heads, length, width = 4, 8, 512, 64
    shape = f"{batch}, {heads}, {length}, {width}"
    setup = f"""
q, k, v, g = data({shape}), data({shape}), data({shape}), data({shape})
leaves = [t.detach().clone().requires_grad_() for t in (q, k, v)]
def forward(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal={causal})
def both():
    return xp.autograd.grad(forward(*leaves), leaves, g)
"""
    flops = 4 * batch * heads * length**2 * width // (2 if causal else 1)
    title = "attention, causal" if causal else "attention"
    return [
        Case(f"{title}: forward", setup, "forward(q, k, v)", ANY, flops=flops, tolerance=1e-4),
        Case(f"{title}: forward, backward", setup, "both()", ANY, flops=7 * flops // 2, tolerance=1e-4),
    ]


def scratch(case: Case) -> Probe:
    """What a convolution takes beside its results, of which the backward pass still has the output."""
    kept = "4 * result.numel()"
    if "backward" in case.name:
        kept = "4 * sum(t.numel() for t in (*result, g))"
    statement = f"result = {case.statement}"
    return Probe(f"scratch, {case.name}", "B", partial(memory.scratch, case.setup, statement, kept), at_most=16e6)


ROW = "a, b = data(1, 1024), data(1024, 1024)"

CASES = [
    square(256, ANY),
    square(512, LARGE),
    square(1024, LARGE),
    square(2048, LARGE),
    product("1 × 1024 @ 1024 × 1024", ROW, 2 * 1024**2, ANY),
    product("1 × 1024 @ 1024 × 1024, transposed", f"{ROW}\nb = b.t()", 2 * 1024**2, ANY),
    square(1024, LARGE, ".double()", 1e-12, "float64"),
    square(1024, LARGE, ".bfloat16()", 1e-2, "bfloat16"),
    batched(16, 1024),
    batched(32, 256),
    batched(64, 256),
    *[case for c, h in IMAGES for case in convolution("1 × 1", c, h, 1, 1, ANY)],
    *[case for c, h in IMAGES for case in convolution("3 × 3", c, h, 3, 1, 0.95)],
    *[case for c, h in IMAGES for case in convolution("3 × 3 depthwise", c, h, 3, c, ANY)],
    *attention(causal=False),
    *attention(causal=True),
]

SECTION = Section(
    key="compute-bound",
    title="Compute-bound ops",
    about=f"float32 unless said; convolutions of {BATCH} images, attention of 4 × 8 heads, 512 tokens, width 64. "
    "Operations are counted as the definition has them, so a method that needs fewer may pass the peak.",
    means=[Mean("PyTorch", 0.9)],
    cases=CASES,
    probes=[scratch(case) for case in CASES if case.name.startswith("conv2d")],
)
