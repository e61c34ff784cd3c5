"""Containers."""

from __future__ import annotations

from typing import Any

from tests.compare.rows import Row, Side, normal


def sequential(side: Side) -> Any:
    return side.nn.Sequential(side.nn.Linear(4, 3), side.nn.ReLU(), side.nn.Linear(3, 2))


def module_list(side: Side) -> Any:
    return side.nn.ModuleList([side.nn.Linear(4, 3), side.nn.ReLU()])


def module_dict(side: Side) -> Any:
    return side.nn.ModuleDict({"a": side.nn.Linear(4, 3), "b": side.nn.ReLU()})


def parameter_list(side: Side) -> Any:
    return side.nn.ParameterList([side.nn.Parameter(side.tensor(normal(2, 3)))])


def parameter_dict(side: Side) -> Any:
    return side.nn.ParameterDict({"a": side.nn.Parameter(side.tensor(normal(2, 3)))})


ROWS = {
    "Sequential": [Row(make=sequential, inputs=(normal(5, 4),))],
    "ModuleList": [Row(make=module_list)],
    "ModuleDict": [Row(make=module_dict)],
    "ParameterList": [Row(make=parameter_list, same_repr=False)],
    "ParameterDict": [Row(make=parameter_dict, same_repr=False)],
}
