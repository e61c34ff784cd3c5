"""Wrong calls are refused in words, before anything is written."""

from __future__ import annotations

import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import ERRORS, ErrorSample, tensors

PARAMETERS = [
    pytest.param(op, sample, id=f"{op}-{i}-{sample!r}"[:120])
    for op in sorted(ERRORS)
    for i, sample in enumerate(sample for generate in ERRORS[op] for sample in generate(op))
]


@pytest.mark.parametrize(("name", "sample"), PARAMETERS)
def test_refused(name: str, sample: ErrorSample, device: str) -> None:
    args, kwargs = tensors((sample.args, sample.kwargs), device)
    call = getattr(args[0], sample.method) if sample.method else dt._core.get_op(name)
    with pytest.raises(sample.error, match=sample.match):
        call(*args[1 if sample.method else 0 :], **kwargs)
