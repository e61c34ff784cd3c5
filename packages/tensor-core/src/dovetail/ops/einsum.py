"""Einstein summation."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import expand

# A dim's label: a letter, or for the dims that `...` stands for their place counted from the last, as "...0".
Labels = list[str]


@op("einsum(str equation, Tensor[] tensors) -> Tensor")
def einsum(equation: str, tensors: Sequence[Tensor]) -> Tensor:
    """Sum products of elements as an equation says.

    Every operand's dims get a letter each; letters that the result does not name are summed over, and operands with
    the same letter are multiplied along it. `...` stands for any dims, broadcast together. Without `->` the result
    has the dims of `...`, then the letters that occur once, in alphabetical order.

    Args:
        equation: such as "ij,jk->ik".
        tensors: one for every term; `dt.einsum(equation, a, b)` takes them one by one.

    Example:
        >>> dt.einsum("ij,jk->ik", dt.ones(2, 3), dt.ones(3, 4)).shape
        dovetail.Size([2, 4])
        >>> dt.einsum("ii", dt.tensor([[1, 2], [3, 4]])).item()
        5
    """
    terms, output = _parse(equation, tensors)
    sizes = _sizes(terms, tensors)
    operands = [_diagonals(tensor, labels) for tensor, labels in zip(tensors, terms, strict=True)]
    value, labels = operands[0]
    for i, (other, other_labels) in enumerate(operands[1:], start=1):
        later = {label for _, term in operands[i + 1 :] for label in term} | set(output)
        value, labels = _contract(value, labels, other, other_labels, later, sizes)
    value, labels = _summed(value, labels, set(output))
    return dt.permute(value, [labels.index(label) for label in output])


def _parse(equation: str, tensors: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of every operand and of the result."""
    if not tensors:
        raise ValueError("einsum: expected at least one operand, got none")
    inputs, arrow, result = equation.replace(" ", "").partition("->")
    texts = inputs.split(",")
    if len(texts) != len(tensors):
        raise ValueError(f"einsum: {equation!r} has {len(texts)} terms for {len(tensors)} operands")
    terms = [_labels(equation, text, tensor, i) for i, (text, tensor) in enumerate(zip(texts, tensors, strict=True))]
    dots = sorted({label for term in terms for label in term if label.startswith("...")}, reverse=True)
    if not arrow:
        letters = [label for term in terms for label in term if len(label) == 1]
        return terms, dots + sorted(label for label in set(letters) if letters.count(label) == 1)
    before, ellipsis, after = result.partition("...")
    output = list(before) + (dots if ellipsis else []) + list(after)
    known = {label for term in terms for label in term}
    for label in output:
        if label not in known:
            raise ValueError(f"einsum: {label!r} in the result of {equation!r} stands in no operand")
        if output.count(label) > 1:
            raise ValueError(f"einsum: {label!r} stands twice in the result of {equation!r}")
    return terms, output


def _labels(equation: str, text: str, tensor: Tensor, i: int) -> Labels:
    before, ellipsis, after = text.partition("...")
    for letter in before + after:
        if not (letter.isascii() and letter.isalpha()):
            raise ValueError(f"einsum: {letter!r} in {equation!r} is no letter")
    covered = tensor.ndim - len(before) - len(after)
    if covered < 0 or (covered and not ellipsis):
        raise ValueError(f"einsum: term {text!r} names {len(before + after)} dims, operand {i} has {tensor.ndim}")
    return [*before, *(f"...{k:02}" for k in reversed(range(covered))), *after]


def _sizes(terms: list[Labels], tensors: Sequence[Tensor]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for i, (term, tensor) in enumerate(zip(terms, tensors, strict=True)):
        for label, size in zip(term, tensor.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known != size and 1 not in (known, size):
                raise ValueError(f"einsum: {label!r} has size {size} in operand {i} and {known} before")
            if known == 1:
                sizes[label] = size
    return sizes


def _diagonals(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """Take the diagonal where a label stands twice."""
    labels = list(labels)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ValueError(f"einsum: {label!r} has sizes {x.shape[first]} and {x.shape[second]} in one operand")
            x = dt.diagonal(x, 0, first, second)
            del labels[second], labels[first]
            labels.append(label)
    return x, labels


def _summed(x: Tensor, labels: Labels, keep: set[str]) -> tuple[Tensor, Labels]:
    """Sum over the labels that nobody needs."""
    dims = [i for i, label in enumerate(labels) if label not in keep]
    return (dt.sum(x, dims) if dims else x), [label for label in labels if label in keep]


def _contract(
    a: Tensor, a_labels: Labels, b: Tensor, b_labels: Labels, later: set[str], sizes: dict[str, int]
) -> tuple[Tensor, Labels]:
    """Multiply two operands and sum over what neither the result nor a later operand needs."""
    a, a_labels = _summed(a, a_labels, later | set(b_labels))
    b, b_labels = _summed(b, b_labels, later | set(a_labels))
    shared = [label for label in a_labels if label in b_labels]
    batch = [label for label in shared if label in later]
    inner = [label for label in shared if label not in later]
    a_only = [label for label in a_labels if label not in shared]
    b_only = [label for label in b_labels if label not in shared]

    def arranged(x: Tensor, labels: Labels, *groups: Labels) -> Tensor:
        """Permuted to the groups in order, size-1 dims of shared labels stretched, each group as one dim."""
        order = [label for group in groups for label in group]
        x = dt.permute(x, [labels.index(label) for label in order])
        x = expand(x, [sizes[label] if label in shared else x.shape[i] for i, label in enumerate(order)])
        flat, at = [], 0
        for group in groups:
            size = 1
            for _ in group:
                size *= x.shape[at]
                at += 1
            flat.append(size)
        return dt.reshape(x, flat)

    left = arranged(a, a_labels, batch, a_only, inner)
    right = arranged(b, b_labels, batch, inner, b_only)
    product = dt.bmm(left, right) if inner else left * right
    shape = [sizes[label] for label in batch]
    shape += [a.shape[a_labels.index(label)] for label in a_only]
    shape += [b.shape[b_labels.index(label)] for label in b_only]
    return dt.reshape(product, shape), batch + a_only + b_only
