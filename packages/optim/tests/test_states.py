"""States: what does not fit is said and nothing changes, two groups, hooks, and PyTorch's by position."""

import numpy as np
import pytest

import dovetail as dt
from dovetail.optim import SGD, Adam, from_pytorch


def trained(cls=Adam, **options):
    params = [("w", dt.ones(2, 3)), ("b", dt.ones(3))]
    optimizer = cls(params, **options)
    for _, p in params:
        p.grad = dt.ones_like(p)
    optimizer.step()
    return optimizer


def fresh(cls=Adam, **options):
    return cls([("w", dt.ones(2, 3)), ("b", dt.ones(3))], **options)


def spoiled(change):
    state = trained().state_dict()
    change(state)
    return state


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda s: s["state"]["w"].pop("exp_avg"), "w: exp_avg was not saved"),
        (lambda s: s["state"]["w"].update(extra=dt.ones(1)), "w: extra was saved, which Adam does not keep"),
        (lambda s: s["state"]["b"].update(exp_avg=dt.ones(4)), r"b: exp_avg was saved with shape \(4,\)"),
        (lambda s: s["state"]["b"].update(exp_avg=dt.ones(3, dtype=dt.float64)), "b: exp_avg was saved .*float64"),
        (lambda s: s["state"]["b"].update(exp_avg=1.0), "b: exp_avg must be a Tensor, got float 1.0"),
        (lambda s: s["state"].update(c={}), "c: has a state, but is in no group"),
        (lambda s: s["state"].update(w=3), "w: its state must be a dict, got int 3"),
        (lambda s: s["param_groups"][0].pop("lr"), "group 0: the option lr was not saved"),
        (lambda s: s["param_groups"][0].update(lr=-1), "group 0: lr must be >= 0, got -1"),
        (lambda s: s["param_groups"][0].update(momentum=1), "group 0: there is no option momentum, got int 1"),
        (lambda s: s["param_groups"][0].update(amsgrad=True), "w: max_exp_avg_sq was not saved"),
        (lambda s: s.update(param_groups=None), "it must have 'param_groups', a list, got NoneType"),
        (lambda s: s.update(state=[1]), "it must have 'state', a dict by parameter names"),
        (lambda s: s["param_groups"].clear(), "0 parameter groups were saved, there are 1"),
    ],
)
def test_what_does_not_fit(change, said):
    optimizer = fresh(lr=0.5)
    with pytest.raises(ValueError, match=f"^Adam: the state does not fit these parameters:\n(.*\n)*  {said}"):
        optimizer.load_state_dict(spoiled(change))
    assert not optimizer.state and optimizer.param_groups[0]["lr"] == 0.5


def test_a_state_of_another_optimizer():
    with pytest.raises(ValueError, match="group 0: the option betas was not saved"):
        fresh(Adam).load_state_dict(trained(SGD, momentum=0.9).state_dict())


def test_a_parameter_without_a_state_begins_anew():
    state = trained().state_dict()
    del state["state"]["b"]
    optimizer = trained()
    optimizer.load_state_dict(state)
    assert [len(optimizer.state[p]) for p in optimizer.param_groups[0]["params"]] == [3, 0]


def test_two_groups_at_one_step_keep_their_own_counters():
    def make():
        return Adam([{"params": [dt.ones(2)]}, {"params": [dt.ones(2)], "lr": 0.5}], lr=0.1)

    def step(optimizer):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = dt.ones_like(p)
        optimizer.step()

    one, other = make(), make()
    step(one)
    other.load_state_dict(one.state_dict())
    step(other)
    assert [other.state[p]["step"].item() for g in other.param_groups for p in g["params"]] == [2, 2]


def test_complex_parameters_step_as_pairs():
    random = np.random.default_rng(0)
    start, gradient = (random.standard_normal(3) + 1j * random.standard_normal(3) for _ in range(2))
    for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Rprop", "Lion"):
        whole, pair = dt.tensor(start), dt.view_as_real(dt.tensor(start)).clone()
        for p, g in ((whole, dt.tensor(gradient)), (pair, dt.view_as_real(dt.tensor(gradient)).clone())):
            optimizer = getattr(dt.optim, name)([p], lr=0.1)
            for _ in range(3):
                p.grad = g
                optimizer.step()
        assert dt.equal(dt.view_as_real(whole), pair), name


def test_hooks_of_saves_and_loads():
    seen = []
    optimizer = trained()
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("before save"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    with optimizer.register_state_dict_post_hook(lambda o, state: seen.append("first"), prepend=True):
        state = optimizer.state_dict()
    assert seen == ["before save", "first"] and state.pop("note") == 1
    optimizer.register_load_state_dict_pre_hook(lambda o, state: {k: v for k, v in state.items() if k != "odd"})
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    optimizer.load_state_dict({**state, "odd": 2})
    assert seen[-1] == "loaded"


def test_a_hook_may_change_the_closure():
    optimizer = fresh(SGD)
    handle = optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 5,), kwargs))
    assert optimizer.step(lambda: 7) == 5
    handle.remove()
    assert optimizer.step(lambda: 7) == 7


# ---- PyTorch's ----


def positional(**options):
    """As PyTorch saves Adam's after one step by ones."""
    moments = [(0.1, 1e-3, (2, 3)), (0.1, 1e-3, (3,))]
    state = {
        i: {"step": np.float32(1), "exp_avg": np.full(shape, m), "exp_avg_sq": np.full(shape, v)}
        for i, (m, v, shape) in enumerate(moments)
    }
    group = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "maximize": False}
    return {"state": state, "param_groups": [{**group, "foreach": None, "fused": None, **options, "params": [0, 1]}]}


def test_a_state_by_position_comes_in():
    optimizer, reference = fresh(), trained()
    optimizer.load_state_dict(from_pytorch(positional(), optimizer))
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is False
    for ours, theirs in zip(optimizer.param_groups[0]["params"], reference.param_groups[0]["params"]):
        for key, value in reference.state[theirs].items():
            assert dt.allclose(optimizer.state[ours][key], value, rtol=1e-4), key
            assert optimizer.state[ours][key].dtype == value.dtype


def test_what_is_not_of_this_optimizer_is_refused():
    optimizer = fresh()
    with pytest.raises(ValueError, match="^from_pytorch: Adam has no options .*'dampening'"):
        from_pytorch(positional(dampening=0), optimizer)
    with pytest.raises(ValueError, match=r"^from_pytorch: groups of \[1\] parameters were saved, .*\[2\]"):
        from_pytorch({"state": {}, "param_groups": [{"params": [0]}]}, optimizer)
    turned = positional()
    turned["state"] = {0: turned["state"][1], 1: turned["state"][0]}
    with pytest.raises(ValueError, match=r"w: exp_avg was saved with shape \(3,\)"):
        optimizer.load_state_dict(from_pytorch(turned, optimizer))


def test_lists_and_tuples_are_the_same_options():
    listed = Adam([{"params": [("w", dt.ones(2, 3)), ("b", dt.ones(3))], "betas": [0.5, 0.9]}], betas=[0.8, 0.9])
    assert listed.param_groups[0]["betas"] == (0.5, 0.9) and listed.defaults["betas"] == (0.8, 0.9)
    state = listed.state_dict()
    state["param_groups"][0]["betas"] = [0.4, 0.9]
    listed.load_state_dict(state)
    assert listed.param_groups[0]["betas"] == (0.4, 0.9)


def test_keys_of_a_group_that_are_no_options_are_kept():
    p, q = dt.ones(2), dt.ones(2)
    optimizer = SGD([{"params": [p], "name": "head", "lr_scale": 0.5}, {"params": [q]}], lr=0.1)
    assert optimizer.param_groups[0]["name"] == "head"
    saved = optimizer.state_dict()
    optimizer.param_groups[0]["lr_scale"] = 1.0
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr_scale"] == 0.5
    with pytest.raises(ValueError, match="SGD: a parameter group has the key 'momentun'; did you mean 'momentum'"):
        optimizer.add_param_group({"params": [dt.ones(1)], "momentun": 0.9})
    assert len(optimizer.param_groups) == 2


def test_an_optimizer_around_another_shares_its_groups():
    class Around(dt.optim.Optimizer):
        def __init__(self, params, base, rho=0.05, **options):
            super().__init__(params, {"rho": rho, **options})
            self.base = base(self.param_groups, **options)
            self.param_groups = self.base.param_groups

        def step(self, closure=None):
            return self.base.step(closure)

    p = dt.ones(2)
    p.grad = dt.ones(2)
    optimizer = Around([p], dt.optim.SGD, lr=0.5)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    assert optimizer.param_groups[0]["rho"] == 0.05
