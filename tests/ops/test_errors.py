"""Wrong calls are refused in words, before anything is written."""

from __future__ import annotations

import re

import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import ERRORS, ErrorSample, errors, run_all, tensors


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_op_refuses(name: str, device: str) -> None:
    run_all(errors(name), lambda sample: run(name, sample, device))


def run(name: str, sample: ErrorSample, device: str) -> None:
    args, kwargs = tensors((sample.args, sample.kwargs), device)
    call = getattr(args[0], sample.method) if sample.method else dt._core.get_op(name)
    try:
        call(*args[1 if sample.method else 0 :], **kwargs)
    except sample.error as error:
        if device != "cpu" and dt._core.get_op(name).decomposes:
            return  # where a backend has no kernel, an op of the decomposition may refuse, in its own words
        text = str(error).strip("\"'") if isinstance(error, KeyError) else str(error)
        assert re.search(sample.match, text), f"{text!r} does not match {sample.match!r}"
        return
    raise AssertionError(f"was not refused; expected {sample.error} matching {sample.match!r}")
