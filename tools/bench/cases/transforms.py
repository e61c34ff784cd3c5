"""Functions that make functions: Jacobians, Hessians, gradients of every example."""

from __future__ import annotations

from .case import Case

TWO_LAYERS = """
x, v, w = data(100), 0.2 * data(64, 100), 0.2 * data(10, 64)

def network(x):
    return xp.tanh(w @ xp.tanh(v @ x))

def scalar(x):
    return network(x).sum()
"""

PER_EXAMPLE = """
model = filled(nn.Sequential(nn.Linear(20, 32), nn.Tanh(), nn.Linear(32, 10)))
params = {name: p.detach() for name, p in model.named_parameters()}
x, y = data(64, 20), classes(10, 64)

def loss(params, x, y):
    return F.cross_entropy(xp.func.functional_call(model, params, (x,)), y)

per_example = xp.func.vmap(xp.func.grad(loss), in_dims=(None, 0, 0))

def gradients():
    return list(per_example(params, x, y).values())
"""

CASES = [
    Case("jacrev, 100 inputs, 10 outputs", TWO_LAYERS, "xp.func.jacrev(network)(x)", 0.5),
    Case("hessian, 100 inputs", TWO_LAYERS, "xp.func.hessian(scalar)(x)", 0.5, tolerance=1e-4),
    Case("vmap of an MLP's gradient, 64 examples", PER_EXAMPLE, "gradients()", 0.7),
]
