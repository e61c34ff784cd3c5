"""Manipulation functions."""

from __future__ import annotations

from .. import checks, functional
from .._core import Tensor, get_op
from ._common import promoted
from .indexing import as_indices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat"]
__all__ += ["reshape", "roll", "squeeze", "stack", "tile", "unstack"]

_alias, _broadcast_to, _cat, _flip, _moveaxis = (
    get_op("alias"),
    get_op("broadcast_to"),
    get_op("cat"),
    get_op("flip"),
    get_op("movedim"),
)
_permute, _roll, _squeeze, _stack = get_op("permute"), get_op("roll"), get_op("squeeze"), get_op("stack")
_tile, _unbind, _unsqueeze = get_op("tile"), get_op("unbind"), get_op("unsqueeze")


@checks.in_own_name
def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """Views of the tensors in the shape to which they all broadcast.

    Example:
        >>> [x.shape for x in broadcast_arrays(dt.zeros(2, 1), dt.zeros(3))]
        [dovetail.Size([2, 3]), dovetail.Size([2, 3])]
    """
    return list(functional.join.broadcast_tensors(*arrays)) if arrays else []


@checks.in_own_name
def broadcast_to(x: Tensor, /, shape: Sequence[int]) -> Tensor:
    """A view of the tensor in a shape to which it broadcasts.

    Example:
        >>> broadcast_to(dt.zeros(3), (2, 3)).shape
        dovetail.Size([2, 3])
    """
    return _broadcast_to(x, shape)


@checks.in_own_name
def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """Tensors one after the other along an existing axis; with None each is flattened first.

    Example:
        >>> concat([dt.tensor([1, 2]), dt.tensor([3])]).tolist()
        [1, 2, 3]
    """
    parts = promoted("concat", *arrays)
    if axis is None:
        return _cat([each.reshape(-1) for each in parts], 0)
    for each in parts:  # PyTorch's cat takes an empty vector beside anything
        if each.ndim != parts[0].ndim:
            raise ValueError(f"concat: tensors of {parts[0].ndim} and of {each.ndim} dims can't be joined")
    return _cat(parts, axis)


@checks.in_own_name
def expand_dims(x: Tensor, /, axis: int = 0) -> Tensor:
    """A view with an axis of size 1 more, which becomes number `axis`.

    Raises:
        IndexError: `axis` is not in [-x.ndim - 1, x.ndim].

    Example:
        >>> expand_dims(dt.zeros(3), axis=1).shape
        dovetail.Size([3, 1])
    """
    return _unsqueeze(x, axis)


@checks.in_own_name
def flip(x: Tensor, /, *, axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements in reverse order along the given axes, or all.

    Example:
        >>> flip(dt.tensor([1, 2])).tolist()
        [2, 1]
    """
    return _flip(x, tuple(range(x.ndim)) if axis is None else axis)


@checks.in_own_name
def moveaxis(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int], /) -> Tensor:
    """A view with axes at other places, the others in their order.

    Example:
        >>> moveaxis(dt.zeros(2, 3, 4), 0, -1).shape
        dovetail.Size([3, 4, 2])
    """
    return _moveaxis(x, source, destination)


@checks.in_own_name
def permute_dims(x: Tensor, /, axes: Sequence[int]) -> Tensor:
    """A view with the axes in another order.

    Example:
        >>> permute_dims(dt.zeros(2, 3), (1, 0)).shape
        dovetail.Size([3, 2])
    """
    return _permute(x, axes)


@checks.in_own_name
def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Every element several times.

    Args:
        x: a tensor.
        repeats: how often: for all, or for each position along the axis.
        axis: along which; with None `x` is flattened first.

    Example:
        >>> repeat(dt.tensor([1, 2]), 2).tolist()
        [1, 1, 2, 2]
    """
    if not isinstance(repeats, (int, Tensor)):
        raise TypeError(f"repeat: repeats must be an int or a Tensor, got {checks.shown(repeats)}")
    if isinstance(repeats, Tensor):
        repeats = as_indices(repeats).reshape(-1)
    return functional.select.repeat_interleave(x.reshape(-1) if axis is None else x, repeats, axis or 0)


@checks.in_own_name
def reshape(x: Tensor, /, shape: Sequence[int], *, copy: bool | None = None) -> Tensor:
    """The elements in another shape, in which one size may be -1.

    Args:
        x: a tensor.
        shape: the wanted one.
        copy: True always copies, False never (ValueError where that is impossible), None where it must.

    Example:
        >>> reshape(dt.zeros(6), (2, -1)).shape
        dovetail.Size([2, 3])
    """
    result = x.reshape(shape)
    if copy is None or x.numel() == 0:
        return result.clone() if copy else result
    shared = result._storage_ptr() == x._storage_ptr()
    if not copy and not shared:
        raise ValueError(f"reshape: copy=False, but strides of {x.stride()} don't allow shape {tuple(result.shape)}")
    return result.clone() if copy and shared else result


@checks.in_own_name
def roll(x: Tensor, /, shift: int | Sequence[int], *, axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements moved along axes, those that leave on one side entering on the other.

    Args:
        x: a tensor.
        shift: how far, towards the end; one number for all axes or one each.
        axis: along which; with None as if `x` were flat.

    Example:
        >>> roll(dt.tensor([1, 2, 3]), 1).tolist()
        [3, 1, 2]
    """
    if axis is None:
        return _roll(x, shift)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return _roll(x, (shift,) * len(axes) if isinstance(shift, int) else tuple(shift), axes) if axes else x.clone()


@checks.in_own_name
def squeeze(x: Tensor, /, axis: int | Sequence[int]) -> Tensor:
    """A view without the given axes, which must have size 1.

    Example:
        >>> squeeze(dt.zeros(1, 3), 0).shape
        dovetail.Size([3])
    """
    for each in (axis,) if isinstance(axis, int) else axis:
        if -x.ndim <= each < x.ndim and x.shape[each] != 1:
            raise ValueError(f"squeeze: axis {each} has size {x.shape[each]}, not 1, in shape {tuple(x.shape)}")
    return _alias(x) if isinstance(axis, (tuple, list)) and not axis else _squeeze(x, axis)


@checks.in_own_name
def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Tensors of one shape beside each other along a new axis.

    Example:
        >>> stack([dt.tensor([1, 2]), dt.tensor([3, 4])]).tolist()
        [[1, 2], [3, 4]]
    """
    return _stack(promoted("stack", *arrays), axis)


@checks.in_own_name
def tile(x: Tensor, repetitions: Sequence[int], /) -> Tensor:
    """The whole tensor several times along each axis.

    Example:
        >>> tile(dt.tensor([1, 2]), (2,)).tolist()
        [1, 2, 1, 2]
    """
    return _tile(x, repetitions)


@checks.in_own_name
def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """Views of the slices along an axis.

    Example:
        >>> [x.tolist() for x in unstack(dt.tensor([[1, 2], [3, 4]]))]
        [[1, 2], [3, 4]]
    """
    return tuple(_unbind(x, axis))
