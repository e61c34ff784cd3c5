"""Module: registration, traversal, state, hooks, moving and casting, text."""

import copy

import pytest

import dovetail as dt
from dovetail import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.scale = nn.Parameter(dt.ones(2))
        self.register_buffer("count", dt.zeros((), dtype=dt.int64))
        self.register_buffer("scratch", dt.zeros(1), persistent=False)

    def forward(self, x):
        return self.fc(x) * self.scale


def test_members_have_dotted_names():
    net = nn.Sequential(Block(), nn.ReLU())
    assert [n for n, _ in net.named_parameters()] == ["0.scale", "0.fc.weight", "0.fc.bias"]
    assert [n for n, _ in net.named_buffers()] == ["0.count", "0.scratch"]
    assert [n for n, _ in net.named_modules()] == ["", "0", "0.fc", "1"]
    assert [n for n, _ in net.named_children()] == ["0", "1"]
    assert [n for n, _ in net.parameters().named()] == ["0.scale", "0.fc.weight", "0.fc.bias"]
    assert len(list(net.parameters(recurse=False))) == 0
    assert net.get_submodule("0.fc") is net[0].fc and net.get_parameter("0.scale") is net[0].scale
    assert net.get_buffer("0.count") is net[0].count
    with pytest.raises(AttributeError, match="no child 'x'"):
        net.get_submodule("0.x")


def test_shared_members_are_listed_once():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    assert [n for n, _ in net.named_parameters()] == ["a.weight", "a.bias"]
    assert sorted(net.state_dict()) == ["a.bias", "a.weight", "b.bias", "b.weight"]
    assert len(list(net.modules())) == 2


def test_assignment_registers_and_replaces():
    net = Block()
    net.scale = None
    assert "scale" not in dict(net.named_parameters()) and net.scale is None
    net.scale = nn.Parameter(dt.zeros(2))
    with pytest.raises(TypeError, match="^Block: scale is a parameter"):
        net.scale = dt.zeros(2)
    with pytest.raises(TypeError, match="^Block: fc is a child module"):
        net.fc = 3
    with pytest.raises(TypeError, match="^Block: count is a buffer"):
        net.count = "x"
    net.count = dt.ones((), dtype=dt.int64)
    assert net.count.item() == 1 and "count" in dict(net.named_buffers())
    del net.fc
    with pytest.raises(AttributeError, match="'Block' object has no attribute 'fc'"):
        _ = net.fc


def test_assigning_before_init_is_explained():
    class Early(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(dt.zeros(1))

    with pytest.raises(AttributeError, match=r"^Early: call super\(\).__init__\(\)"):
        Early()


@pytest.mark.parametrize("name", ["a.b", "", 3])
def test_bad_names(name):
    with pytest.raises(ValueError, match="^Module: a parameter's name"):
        nn.Module().register_parameter(name, None)


def test_registering_refuses():
    net = nn.Module()
    with pytest.raises(KeyError, match="exists already"):
        net.register_buffer("forward", None)
    with pytest.raises(TypeError, match="must be a Parameter"):
        net.register_parameter("w", dt.zeros(1))
    with pytest.raises(TypeError, match="must be a Module"):
        net.add_module("m", 3)
    computed = dt.zeros(1, requires_grad=True) * 2
    with pytest.raises(TypeError, match="^Parameter: expected a tensor"):
        nn.Parameter(3)
    assert nn.Parameter(computed).is_leaf


def test_train_eval_apply_and_grads():
    net = nn.Sequential(Block(), nn.Dropout())
    assert not net.eval().training and not net[1].training and net.train()[0].fc.training
    seen = []
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "Block", "Dropout", "Sequential"]
    net(dt.ones(1, 3)).sum().backward()
    assert net[0].scale.grad is not None
    net.zero_grad()
    assert net[0].scale.grad is None
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    with pytest.raises(ValueError, match="train mode must be a bool"):
        net.train("yes")


def test_casting_keeps_the_parameters_themselves():
    net = Block()
    weight = net.fc.weight
    net(dt.ones(1, 3)).sum().backward()
    net.double()
    assert net.fc.weight is weight and weight.dtype == dt.float64 and weight.grad.dtype == dt.float64
    assert net.count.dtype == dt.int64
    assert net.to("cpu", dt.float32).fc.weight.dtype == dt.float32
    assert net.to(dt.zeros(1, dtype=dt.float64)).scale.dtype == dt.float64
    with pytest.raises(TypeError, match=r"^Block: to\(\) takes floating-point dtypes"):
        net.to(dt.int64)
    with pytest.raises((ValueError, RuntimeError), match="nowhere"):
        net.to("nowhere")


# ---- state ----


def test_state_survives_a_file(tmp_path):
    net, other = Block(), Block()
    dt.save(net.state_dict(), tmp_path / "net.safetensors")
    result = other.load_state_dict(dt.load(tmp_path / "net.safetensors"))
    assert result.missing_keys == [] and result.unexpected_keys == []
    x = dt.ones(2, 3)
    assert other(x).tolist() == net(x).tolist()
    assert list(net.state_dict()) == ["scale", "count", "fc.weight", "fc.bias"]
    assert list(net.state_dict(prefix="net.")) == ["net.scale", "net.count", "net.fc.weight", "net.fc.bias"]
    assert not net.state_dict()["scale"].requires_grad and net.state_dict(keep_vars=True)["scale"] is net.scale


def test_every_problem_is_listed_and_nothing_is_loaded():
    net = Block()
    before = net.scale.tolist()
    state = net.state_dict()
    bad = {**state, "scale": dt.zeros(5), "extra": dt.zeros(1)}
    del bad["fc.bias"]
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(bad)
    text = str(error.value)
    assert text.startswith("Block:") and "missing: fc.bias" in text and "unexpected: extra" in text
    assert "scale: shape (5,) in the state dict, (2,) in the module" in text
    assert net.scale.tolist() == before
    result = net.load_state_dict({"extra": dt.zeros(1)}, strict=False)
    assert result.unexpected_keys == ["extra"] and "scale" in result.missing_keys


def test_assign_takes_the_tensors_over():
    net = Block()
    state = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    state["scale"].fill_(7)
    assert net.scale.tolist() == [7, 7] and isinstance(net.scale, nn.Parameter) and net.scale.requires_grad


def test_extra_state():
    class Counter(nn.Module):
        n = 0

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    a, b = Counter(), Counter()
    a.n = 4
    b.load_state_dict(a.state_dict())
    assert b.n == 4


def test_deepcopy_is_apart():
    net = Block()
    twin = copy.deepcopy(net)
    with dt.no_grad():
        twin.scale.fill_(9)
    assert net.scale.tolist() == [1, 1] and isinstance(twin.scale, nn.Parameter) and twin.scale.requires_grad


# ---- hooks ----


def test_forward_hooks_see_and_replace():
    net, seen = Block(), []
    handles = [
        net.register_forward_pre_hook(lambda m, args: (args[0] * 0,)),
        net.register_forward_hook(lambda m, args, out: seen.append(args[0].sum().item())),
        net.register_forward_hook(lambda m, args, out: out + 1),
    ]
    out = net(dt.ones(1, 3))
    assert seen == [0.0] and out.tolist() == (net.fc.bias * net.scale + 1).reshape(1, 2).tolist()
    for handle in handles:
        handle.remove()
    assert net(dt.ones(1, 3)).tolist() == net.forward(dt.ones(1, 3)).tolist()


def test_hooks_with_keywords_and_always():
    seen = []

    class Picky(nn.Module):
        def forward(self, x, *, fail=False):
            if fail:
                raise ValueError("asked to")
            return x

    net = Picky()
    net.register_forward_pre_hook(lambda m, a, k: (a, {**k, "fail": True}), with_kwargs=True)
    net.register_forward_hook(lambda m, a, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="asked to"):
        net(dt.ones(1))
    assert seen == [None]


def test_prepended_hooks_run_first():
    net, order = nn.Identity(), []
    net.register_forward_hook(lambda *_: order.append(1))
    net.register_forward_hook(lambda *_: order.append(0), prepend=True)
    net(dt.ones(1))
    assert order == [0, 1]


def test_backward_hooks():
    net, seen = nn.Linear(2, 1, bias=False), {}
    net.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 10,))

    def hook(m, grad_input, grad_output):
        seen.update(input=grad_input[0].tolist(), output=grad_output[0].tolist())
        return (grad_input[0] * 0,)

    net.register_full_backward_hook(hook)
    x = dt.ones(1, 2, requires_grad=True)
    net(x).sum().backward()
    assert seen["output"] == [[10.0]] and x.grad.tolist() == [[0.0, 0.0]]
    assert seen["input"] == (net.weight * 10).tolist()
    seen.clear()
    net._hooks.backward.clear()
    net.register_full_backward_hook(lambda m, grad_input, grad_output: seen.update(input=grad_input))
    net(dt.ones(1, 2)).sum().backward()
    assert seen["input"] == (None,)


def test_repr_shows_the_tree():
    text = repr(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU())))
    assert text == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n    (0): ReLU()\n  )\n)"
    )
    assert repr(nn.Parameter(dt.zeros(1))).startswith("Parameter([0.], shape=(1,), dtype=float32")


def test_forward_must_be_defined():
    with pytest.raises(NotImplementedError, match="^Module: a Module must define forward"):
        nn.Module()(1)
