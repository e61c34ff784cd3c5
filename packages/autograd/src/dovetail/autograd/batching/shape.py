"""Views, and copies in which a view is replaced."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor

from .registry import op_of, rule, view_rule

_alias = op_of("alias")

# A view rule gets the view as func sees it and the values with the mapped dim in front.


@view_rule("view")
def _view(b: Any, view: Tensor, inner: Tensor, x: Tensor, size: Any) -> Tensor:
    return inner.view((b.size, *view.shape))


@view_rule("expand")
def _expand(b: Any, view: Tensor, inner: Tensor, x: Tensor, size: Any) -> Tensor:
    for _ in range(view.ndim - x.ndim):
        inner = inner.unsqueeze(1)
    return inner.expand((b.size, *view.shape))


@view_rule("as_strided")
def _as_strided(b: Any, view: Tensor, inner: Tensor, x: Tensor, size: Any, stride: Any, offset: Any) -> Tensor:
    return inner.as_strided((b.size, *size), (inner.stride(0), *stride), offset)


@view_rule("squeeze")
def _squeeze(b: Any, view: Tensor, inner: Tensor, x: Tensor, dim: Any) -> Tensor:
    dims = range(x.ndim) if dim is None else dim
    gone = [b.dim(x, d) for d in dims if x.ndim and x.shape[d] == 1]
    return inner.squeeze(tuple(gone)) if gone else _alias(inner)


@view_rule("unsqueeze")
def _unsqueeze(b: Any, view: Tensor, inner: Tensor, x: Tensor, dim: int) -> Tensor:
    return inner.unsqueeze(dim + 1 if dim >= 0 else dim)


@view_rule("transpose")
def _transpose(b: Any, view: Tensor, inner: Tensor, x: Tensor, dim0: int, dim1: int) -> Tensor:
    return inner.transpose(b.dim(x, dim0), b.dim(x, dim1)) if x.ndim else _alias(inner)


@view_rule("permute")
def _permute(b: Any, view: Tensor, inner: Tensor, x: Tensor, dims: Any) -> Tensor:
    return inner.permute((0, *(b.dim(x, d) for d in dims)))


@view_rule("flip_view", "flip_view")
def _flip_view(op: Any, b: Any, view: Tensor, inner: Tensor, x: Tensor, dims: Any) -> Tensor:
    return op(inner, tuple(b.dim(x, d) for d in dims)) if x.ndim else _alias(inner)


@view_rule("select")
def _select(b: Any, view: Tensor, inner: Tensor, x: Tensor, dim: int, index: int) -> Tensor:
    return inner.select(b.dim(x, dim), index)


@view_rule("slice", "slice")
def _slice(op: Any, b: Any, view: Tensor, inner: Tensor, x: Tensor, dim: int, *bounds: Any) -> Tensor:
    return op(inner, b.dim(x, dim), *bounds)


@view_rule("diagonal")
def _diagonal(b: Any, view: Tensor, inner: Tensor, x: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    return inner.diagonal(offset, b.dim(x, dim1), b.dim(x, dim2))


@view_rule("unfold")
def _unfold(b: Any, view: Tensor, inner: Tensor, x: Tensor, dim: int, size: int, step: int) -> Tensor:
    return (inner if x.ndim else inner.unsqueeze(1)).unfold(b.dim(x, dim), size, step).view((b.size, *view.shape))


@view_rule("alias", "detach", "real", "imag", "view_as_real", "view_as_complex")
def _whole(op: Any, b: Any, view: Tensor, inner: Tensor, x: Tensor) -> Tensor:
    return op(inner)


@view_rule("view_dtype", "view_dtype")
def _view_dtype(op: Any, b: Any, view: Tensor, inner: Tensor, x: Tensor, dtype: Any) -> Tensor:
    return op(inner, dtype)


# ---- replaced parts ----


@rule("select_scatter", "slice_scatter")
def _scatter_along(op: Any, b: Any, x: Tensor, src: Tensor, dim: int, *rest: Any) -> Tensor:
    return op.call((b(x), b(src), b.dim(x, dim), *rest), None)


@rule("diagonal_scatter")
def _diagonal_scatter(b: Any, x: Tensor, src: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    return b(x).diagonal_scatter(b(src), offset, b.dim(x, dim1), b.dim(x, dim2))


@rule("as_strided_scatter", "as_strided_scatter")
def _as_strided_scatter(op: Any, b: Any, x: Tensor, src: Tensor, size: Any, stride: Any, offset: Any) -> Tensor:
    if not b.maps(x) and not x.is_contiguous():
        return b.loop(op, (x, src, size, stride, offset))
    inner = b(x) if b.maps(x) else b(x).clone()
    if not b.maps(x) and offset is not None:
        offset -= x.storage_offset()
    return op(inner, b(src), (b.size, *size), (inner.stride(0), *stride), offset)
