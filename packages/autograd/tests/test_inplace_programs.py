"""Random programs of views, writes in place and arithmetic: their gradients are those of numeric differentiation.

A program is a list of statements about variables, the first of which are computed from the inputs. What a statement may
not do (write to an expanded view, say) it is refused, and is then left out; what remains runs once more at inputs a
little to either side, without gradients, where a write in place is only a write.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import dovetail as dt

PROGRAMS = 400
SHAPES = [(2, 3), (3, 2, 2), (4,), (2, 2)]

# Statements with `{a}`, `{b}` for variables that there are, `{n}` for a new one, and small numbers.
VIEWS = [
    "{n} = {a}[{i}]",
    "{n} = {a}[{i}:]",
    "{n} = {a}[::2]",
    "{n} = {a}[..., {i}:]",
    "{n} = {a}[None]",
    "{n} = {a}.transpose(0, -1)",
    "{n} = {a}.reshape(-1)",
    "{n} = {a}.view(-1)",
    "{n} = {a}.unsqueeze(-1)",
    "{n} = {a}.squeeze()",
    "{n} = {a}.narrow(0, {i}, 1)",
    "{n} = {a}.diagonal()",
    "{n} = {a}.expand(2, *{a}.shape)",
    "{n} = {a}.unfold(0, 2, 1)",
    "{n} = {a}.view_as({a})",
    "{n} = {a}.select(-1, {i})",
    "{n} = {a}.movedim(0, -1)",
    "{n} = {a}.flatten()",
]
LISTS = ["{n} = {a}.unbind(0)[{i}]", "{n} = {a}.split(1)[{i}]", "{n} = {a}.chunk(2, -1)[{i}]"]
WRITES = [
    "{a}.mul_({c})",
    "{a}.add_({b})",
    "{a}.mul_({b})",
    "{a}.sub_({b}, alpha={c})",
    "{a}.sin_()",
    "{a}.exp_()",
    "{a}.tanh_()",
    "{a}.zero_()",
    "{a}.fill_({b}.sum())",
    "{a}.copy_({b})",
    "{a}[{i}] = {b}",
    "{a}[{i}:] = {c}",
    "{a}[..., {i}] = {b}.mean()",
    "{a}.addcmul_({b}, {b}, value={c})",
    "{a}.clamp_(-0.7, 0.8)",
    "{a}.neg_()",
    "{a} *= {b}",
    "{a} += {c}",
]
ARITHMETIC = ["{n} = {a} * {b}", "{n} = {a} * {c}", "{n} = {a}.cos()", "{n} = {a}.sum(0)", "{n} = {a} + {b}.mean()"]


@dataclass
class Program:
    """What to run, with `x` for the inputs."""

    shapes: list[tuple[int, ...]]
    statements: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([f"x{i}: {shape}" for i, shape in enumerate(self.shapes)] + self.statements)


def generate(seed: int, kinds: tuple[list[str], ...] = (VIEWS, LISTS, WRITES, ARITHMETIC)) -> Program:
    """The same program for a seed everywhere."""
    rng = random.Random(seed)
    program = Program([rng.choice(SHAPES) for _ in range(2)])
    program.statements = [f"v{i} = x{i} * 1.0" for i in range(2)]
    count = 2
    for _ in range(rng.randrange(3, 14)):
        form = rng.choice(rng.choices(kinds, weights=[4, 1, 5, 2][: len(kinds)])[0])
        names = {
            "a": f"v{rng.randrange(count)}",
            "b": f"v{rng.randrange(count)}",
            "n": f"v{count}",
            "i": rng.randrange(3),
            "c": round(rng.uniform(-1.5, 1.5), 2),
        }
        program.statements.append(form.format(**names))
        count += "{n}" in form
    return program


def inputs_of(program: Program) -> list[np.ndarray]:
    generator = np.random.default_rng(len(str(program)))
    return [generator.uniform(-1, 1, shape) for shape in program.shapes]


def run(program: Program, inputs: list[Any], refuse: bool) -> tuple[Any, list[str]]:
    """A weighted sum of all variables, and the statements that were allowed."""
    names: dict[str, Any] = {f"x{i}": x for i, x in enumerate(inputs)}
    allowed = []
    for statement in program.statements:
        try:
            exec(statement, names)
        except (RuntimeError, ValueError, IndexError, NameError, TypeError):
            if not refuse:
                raise
            continue
        allowed.append(statement)
    variables = sorted((name for name in names if re.fullmatch(r"v\d+", name)), key=lambda name: int(name[1:]))
    total = sum((names[name] * (0.3 + 0.1 * k)).sin().sum() for k, name in enumerate(variables))
    return total, allowed


def numeric(program: Program, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Central differences of a program of which every statement is allowed."""

    def value(at: list[np.ndarray]) -> float:
        with dt.no_grad():
            return float(run(program, [dt.tensor(a) for a in at], refuse=False)[0])

    found = []
    for k, array in enumerate(arrays):
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            values = []
            for step in (1e-6, -1e-6):
                moved = [a.copy() for a in arrays]
                moved[k][index] += step
                values.append(value(moved))
            gradient[index] = (values[0] - values[1]) / 2e-6
        found.append(gradient)
    return found


def gradients(program: Program, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], list[str]] | None:
    """By backward, and the statements that were allowed; None where a saved tensor was written."""
    inputs = [dt.tensor(a, requires_grad=True) for a in arrays]
    total, allowed = run(program, inputs, refuse=True)
    try:
        total.backward()
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error), error
        return None
    return [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in inputs], allowed


@pytest.mark.parametrize("part", range(8))
def test_gradients_of_programs(part: int) -> None:
    checked = statements = 0
    for seed in range(part, PROGRAMS, 8):
        program = generate(seed)
        arrays = inputs_of(program)
        found = gradients(program, arrays)
        if found is None:
            continue
        allowed = Program(program.shapes, found[1])
        for actual, expected in zip(found[0], numeric(allowed, arrays), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=2e-6, err_msg=str(allowed))
        checked += 1
        statements += len(found[1])
    assert checked > PROGRAMS / 8 / 2  # most are neither refused nor short
    assert statements > 5 * checked
