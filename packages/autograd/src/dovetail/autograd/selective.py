"""Selective checkpointing: of a checkpointed function the results of some ops are kept, and not computed again."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from dovetail import Op, checks
from dovetail.layers import intercept

from .nests import mapped, tensors_in

__all__ = ["CheckpointPolicy", "SelectiveCheckpointContext", "create_selective_checkpoint_contexts"]


class CheckpointPolicy(enum.Enum):
    """What to do with an op's result: keep it, or compute it again. MUST and PREFER mean the same."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3


class SelectiveCheckpointContext:
    """What a policy is told: whether this is the second call."""

    def __init__(self, *, is_recompute: bool) -> None:
        self.is_recompute = is_recompute


Policy = Callable[..., CheckpointPolicy]


class _Scope:
    """Sees the ops below autograd, where a result that was kept takes the place of the op."""

    def __init__(self, policy: Policy, kept: dict[str, list[Any]], again: bool, may_write: bool) -> None:
        self.policy, self.kept, self.again, self.may_write = policy, kept, again, may_write
        self.context = SelectiveCheckpointContext(is_recompute=again)
        self.taken: dict[str, int] = defaultdict(int)
        self.scope: AbstractContextManager[None] | None = None

    def _saves(self, op: Op, args: tuple[Any, ...], out: Any) -> bool:
        if out is not None or op.returns_view or op.random:
            return False
        said = self.policy(self.context, op, *args)
        if not isinstance(said, CheckpointPolicy):
            raise TypeError(f"the policy must return a CheckpointPolicy, got {checks.shown(said)}")
        return said in (CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE)

    def _call(self, op: Op, args: tuple[Any, ...], out: Any) -> Any:
        if not self._saves(op, args, out):
            return op.call(args, out)
        if not self.again:
            result = op.call(args, out)
            copies = mapped(result, lambda t: t.detach())
            self.kept[op.name].append((copies, [t._version for t in tensors_in(copies)]))
            return result
        results, number = self.kept[op.name], self.taken[op.name]
        self.taken[op.name] += 1
        if number >= len(results):
            raise RuntimeError(f"checkpoint: {op.name} is called more often when the function is computed again")
        result, versions = results[number]
        if not self.may_write and [t._version for t in tensors_in(result)] != versions:
            raise RuntimeError(
                f"checkpoint: a result of {op.name} that the policy keeps was written in place since; clone() it, or "
                "say allow_cache_entry_mutation=True"
            )
        return mapped(result, lambda t: t.detach())

    def __enter__(self) -> _Scope:
        self.taken.clear()
        self.scope = intercept(self._call, at="trace")
        self.scope.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        assert self.scope is not None
        self.scope.__exit__(*error)


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Policy | Sequence[Any], allow_cache_entry_mutation: bool = False
) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Contexts for `checkpoint`'s context_fn that keep the results of some ops.

    Args:
        policy_fn_or_list: ops whose results are kept (as `dt.matmul`, or their names); or `policy(ctx, op, *args)`,
            which says for a call of an op what to do. It sees the ops that run, which may be those that others are made
            of; views, random ops and in-place calls always run again.
        allow_cache_entry_mutation: do not refuse results that were written since.

    Example:
        >>> from functools import partial
        >>> from dovetail.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
        >>> contexts = partial(create_selective_checkpoint_contexts, ["mm", "matmul"])
        >>> x = dt.ones(2, 2, requires_grad=True)
        >>> checkpoint(lambda t: (t @ t).sin().sum(), x, context_fn=contexts).backward()
        >>> x.grad.shape
        dovetail.Size([2, 2])
    """
    if callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        names = {op.name if isinstance(op, Op) else op for op in policy_fn_or_list}
        if not all(isinstance(name, str) for name in names):
            raise TypeError(
                "create_selective_checkpoint_contexts: expected a function or a list of ops, got "
                f"{checks.shown(policy_fn_or_list)}"
            )

        def policy(ctx: SelectiveCheckpointContext, op: Op, *args: Any) -> CheckpointPolicy:
            return CheckpointPolicy.MUST_SAVE if op.name in names else CheckpointPolicy.PREFER_RECOMPUTE

    kept: dict[str, list[Any]] = defaultdict(list)
    return (
        _Scope(policy, kept, False, allow_cache_entry_mutation),
        _Scope(policy, kept, True, allow_cache_entry_mutation),
    )
