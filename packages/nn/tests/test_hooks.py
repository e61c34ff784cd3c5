"""Hooks on every module, and modules that keep their state in a form of their own."""

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn.modules import module as modules
from dovetail.utils.hooks import HookList, RemovableHandle


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU())


def test_forward_hooks_on_every_module():
    seen = []
    model, x = net(), dt.ones(1, 2)
    model[1].register_forward_hook(lambda m, args, out: seen.append("own"))
    plain = model(x)
    seen.clear()
    with (
        modules.register_module_forward_pre_hook(lambda m, args: seen.append(f"before {type(m).__name__}")),
        modules.register_module_forward_hook(lambda m, args, out: seen.append(f"after {type(m).__name__}")) as handle,
    ):
        assert isinstance(handle, RemovableHandle)
        assert dt.equal(model(x), plain)
    wanted = [
        "before Sequential",
        "before Linear",
        "after Linear",
        "before ReLU",
        "after ReLU",
        "own",
        "after Sequential",
    ]
    assert seen == wanted
    seen.clear()
    model(x)
    assert seen == ["own"]


def test_forward_hooks_change_what_passes():
    model = nn.ReLU()
    with modules.register_module_forward_pre_hook(lambda m, args: (-args[0],)):
        assert model(dt.tensor([-1.0, 2.0])).tolist() == [1.0, 0.0]
    with modules.register_module_forward_hook(lambda m, args, kwargs, out: out + 1, with_kwargs=True):
        assert model(dt.tensor([-1.0, 2.0])).tolist() == [1.0, 3.0]
    calls = []
    with (
        modules.register_module_forward_hook(lambda m, args, out: calls.append(out), always_call=True),
        pytest.raises(NotImplementedError),
    ):
        nn.Module()()
    assert calls == [None]


def test_backward_hooks_on_every_module():
    seen = []
    model, x = net(), dt.ones(1, 2, requires_grad=True)
    with (
        modules.register_module_full_backward_pre_hook(lambda m, out: seen.append(("before", type(m).__name__))),
        modules.register_module_full_backward_hook(lambda m, into, out: seen.append(("after", type(m).__name__))),
    ):
        model(x).sum().backward()
    assert seen[0] == ("before", "Sequential") and seen[-1] == ("after", "Sequential")
    assert set(seen) == {(when, what) for when in ("before", "after") for what in ("Sequential", "Linear", "ReLU")}
    first = x.grad.clone()
    with modules.register_module_full_backward_hook(lambda m, into, out: tuple(2 * g for g in into)):
        x.grad = None
        model(x).sum().backward()
    assert dt.equal(x.grad, 8 * first)  # by every one of three modules


def test_registration_hooks():
    seen = []

    class Marked(nn.ReLU):
        pass

    with (
        modules.register_module_parameter_registration_hook(lambda m, name, p: seen.append(name)),
        modules.register_module_buffer_registration_hook(lambda m, name, b: seen.append(name)),
        modules.register_module_module_registration_hook(
            lambda m, name, child: Marked() if type(child) is nn.ReLU else None
        ),
    ):
        norm = nn.BatchNorm1d(2)
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    assert seen == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked", "weight", "bias"]
    assert type(model[1]) is Marked and norm.weight.shape == (2,)
    assert type(net()[1]) is nn.ReLU


def test_hooks_are_functions():
    for name in modules.__all__:
        if name.startswith("register_module_"):
            with pytest.raises(TypeError, match=f"^{name}: hook must be"):
                getattr(modules, name)(3)


def test_a_hook_may_remove_itself():
    hooks, calls = HookList(), []
    handle = hooks.add(lambda: (calls.append(1), handle.remove()))
    hooks.add(lambda: calls.append(2))
    hooks.add(lambda: calls.append(0), prepend=True)
    for _ in range(2):
        for hook in hooks.in_order():
            hook()
    assert calls == [0, 1, 2, 0, 2]
    handle()  # again does nothing
    assert len(hooks) == 2


# ---- a state of another form ----


class Scaled(nn.Module):
    """Keeps the logarithm of its weight in files, and read an older name."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(dt.ones(2))

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "log"] = destination.pop(prefix + "weight").log()

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        for old in ("log", "ln"):
            if prefix + old in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + old).exp()
        super()._load_from_state_dict(state_dict, prefix, *rest)


def test_a_module_keeps_its_state_in_its_own_form():
    model = nn.Sequential(nn.Linear(2, 2), Scaled())
    with dt.no_grad():
        model[1].weight.copy_(dt.tensor([2.0, 3.0]))
    state = model.state_dict()
    assert list(state) == ["0.weight", "0.bias", "1.log"]
    other = nn.Sequential(nn.Linear(2, 2), Scaled())
    assert other.load_state_dict(state) == ([], [])
    assert dt.allclose(other[1].weight, model[1].weight)
    state["1.ln"] = state.pop("1.log") * 0
    other.load_state_dict(state)
    assert other[1].weight.tolist() == [1.0, 1.0]
    assert list(state) == ["0.weight", "0.bias", "1.ln"]  # the given dict is not changed


def test_what_does_not_fit_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 2), Scaled())
    before = [p.clone() for p in model.parameters()]
    state = {
        "0.weight": dt.zeros(2, 2),
        "0.bias": dt.zeros(2),
        "1.log": dt.zeros(3),
        "1.x.y": dt.zeros(1),
        "z": dt.ones(1),
    }
    with pytest.raises(RuntimeError) as error:
        model.load_state_dict(state)
    assert "unexpected: z, 1.x.y" in str(error.value)
    assert "1.weight: shape (3,) in the state dict, (2,) in the module" in str(error.value)
    assert all(dt.equal(p, q) for p, q in zip(model.parameters(), before))


def test_complex_values_do_not_become_real_ones():
    layer = nn.Linear(1, 1)
    with pytest.raises(
        RuntimeError, match=r"weight: dovetail.complex64 in the state dict, dovetail.float32 in the mod"
    ):
        layer.load_state_dict({"weight": dt.ones(1, 1, dtype=dt.complex64), "bias": dt.ones(1)})


def test_a_part_by_itself():
    layer, lists = nn.Linear(2, 1), ([], [], [])
    layer._load_from_state_dict({"a.weight": dt.ones(1, 2), "a.more": dt.ones(1)}, "a.", {}, True, *lists)
    assert lists == (["a.bias"], ["a.more"], []) and layer.weight.tolist() == [[1.0, 1.0]]
