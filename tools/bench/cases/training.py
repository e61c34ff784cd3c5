"""Training steps: forward, loss, backward, optimizer."""

from __future__ import annotations

from . import networks
from .case import Case, Program, Section

FUSED = "PyTorch, fused"
JAX = "JAX, jitted"

STEP = """
optimizer = optim.{optimizer}(model.parameters(), **{arguments}, **fused)

def step():
    loss = forward()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss

# The losses say what the optimizer did: single parameters of Adam follow the rounding of the least gradients.
def steps():
    smoothly(forward).backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    return [step(), step(), step(), *gradients]
"""

# What the tiny network's step is in JAX, compiled as a whole.
JAX_TINY = """
x, y = data(32, 8), data(32, 1)
params = [0.3 * data(8, 16), 0.1 * data(16), 0.2 * data(16, 1), 0.1 * data(1)]

def loss(params):
    w1, b1, w2, b2 = params
    return ((xp.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()

@jax.jit
def update(params):
    value, gradients = jax.value_and_grad(loss)(params)
    return value, [p - 0.01 * g for p, g in zip(params, gradients)]

def step():
    global params
    value, params = update(params)
    return jax.block_until_ready(value)
"""


def training(network: str, batch: int, optimizer: str, **arguments: float) -> str:
    """The program of a network and its optimizer, in PyTorch's defaults or, where a column asks, fused."""
    return networks.with_batch(network, batch) + STEP.format(optimizer=optimizer, arguments=arguments)


SETUPS = {
    "MLP 8-16-1, batch 32, SGD": training(networks.TINY, 32, "SGD", lr=0.01),
    "MLP 784-512-512-10, batch 128, Adam": training(networks.MLP, 128, "Adam"),
    "LeNet 28 × 28, batch 64, Adam": training(networks.LENET, 64, "Adam"),
    "LSTM, hidden 128, 64 steps, batch 32, Adam": training(networks.LSTM, 32, "Adam"),
    "GPT, width 128, 4 layers, 128 tokens, batch 8, AdamW": training(networks.GPT, 8, "AdamW"),
    "ResNet-18 32 × 32, batch 16, SGD": training(networks.RESNET, 16, "SGD", lr=0.01, momentum=0.9),
}
BARS = {"MLP 8": (0.12, None), "MLP 784": (0.75, 1.0), "LeNet": (0.5, 0.6), "LSTM": (0.7, None), "GPT": (0.75, 0.8)}
BARS["ResNet"] = (0.85, None)


def case(name: str, setup: str) -> Case:
    """The row of a step, beside PyTorch's default and fused optimizers, and of the tiny one beside JAX."""
    start = next(start for start in BARS if name.startswith(start))
    target, fused = BARS[start]
    others, own = {FUSED: fused}, {}
    if start == "MLP 8":
        others[JAX], own[JAX] = 1.0, Program("step()", JAX_TINY)
    return Case(name, setup, "step()", target, result="steps()", tolerance=1e-3, others=others, own=own)


SECTION = Section(
    key="training",
    title="Training steps",
    about="Forward, loss, backward and optimizer, with the gradients set to None between steps. PyTorch's optimizers "
    "are its defaults; the second column has `fused=True`.",
    cases=[case(name, setup) for name, setup in SETUPS.items()],
)
