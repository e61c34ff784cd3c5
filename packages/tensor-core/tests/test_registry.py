"""Declaring ops in Python."""

import pytest

import dovetail as dt
from dovetail.ops import op


@op("thrice(Tensor self, *, Scalar times=3) -> Tensor", method=True, inplace=True, out=True, alias=("triple",))
def thrice(self, *, times=3):
    """Three times the tensor.

    Indented.
    """
    return self * times


def test_an_op_is_a_function_and_a_method():
    x = dt.tensor([1.0, 2.0])
    assert thrice(x).tolist() == [3.0, 6.0]
    assert dt.thrice is thrice and dt.ops.get_op("thrice") is thrice
    assert x.thrice().tolist() == x.triple().tolist() == [3.0, 6.0]
    assert x.thrice(times=2).tolist() == [2.0, 4.0]
    out = dt.empty(2)
    assert dt.thrice(x, out=out) is out and out.tolist() == [3.0, 6.0]
    assert x.thrice_() is x and x.tolist() == [3.0, 6.0]


def test_what_an_op_says_of_itself():
    import inspect

    assert thrice.name == thrice.__name__ == "thrice"
    assert thrice.doc == "Three times the tensor.\n\nIndented.\n"
    assert thrice.schema == "thrice(Tensor self, *, Scalar times=3) -> Tensor"
    assert thrice.form == "composite" and thrice.decomposes and thrice.differentiable
    assert [(arg.name, arg.type, arg.keyword_only) for arg in thrice.args] == [
        ("self", "Tensor", False),
        ("times", "Scalar", True),
    ]
    assert list(inspect.signature(thrice).parameters)[:2] == ["self", "times"]


def test_layers_see_it_by_name():
    seen = []

    def handler(op, args, out):
        seen.append((op.name, args[1]))
        return op.call(args, out)

    with dt.layers.intercept(handler):
        thrice(dt.ones(1), times=4)
    assert ("thrice", 4) in seen


def test_names_are_taken_once():
    with pytest.raises(ValueError, match="thrice"):

        @op("thrice(Tensor self, int other) -> Tensor")
        def other(self, other):
            return self

    with pytest.raises(ValueError, match="add"):

        @op("add(Tensor self) -> Tensor")
        def add(self):
            return self


def test_schemas_that_make_no_sense():
    for schema in (
        "nothing",
        "f(Tensor) -> Tensor",
        "f(Tensor self)",
        "f(Whatever self) -> Tensor",
        "f(Tensor self -> Tensor",
        "f(Tensor self) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
    ):
        with pytest.raises(ValueError):
            op(schema)(lambda self: self)


def test_wrong_results_are_errors():
    @op("gives_text(Tensor self) -> Tensor")
    def gives_text(self):
        return "text"

    @op("gives_one(Tensor self) -> (Tensor a, Tensor b)")
    def gives_one(self):
        return (self,)

    for wrong in (gives_text, gives_one):
        with pytest.raises(TypeError, match=rf"^{wrong.name}: "):
            wrong(dt.ones(1))


def test_an_exception_passes_unchanged():
    @op("fails_here(Tensor self) -> Tensor")
    def fails_here(self):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        fails_here(dt.ones(1))


def test_several_results_and_lists():
    @op("halves_of(Tensor self) -> (Tensor low, Tensor high)")
    def halves_of(self):
        return self[: len(self) // 2], self[len(self) // 2 :]

    @op("rows_of(Tensor[] tensors) -> Tensor[]")
    def rows_of(tensors):
        return [row for tensor in tensors for row in tensor]

    result = halves_of(dt.arange(4))
    assert result.low.tolist() == [0, 1] and result.high.tolist() == [2, 3]
    assert [row.tolist() for row in rows_of([dt.ones(1, 2), dt.zeros(2, 1)])] == [[1.0, 1.0], [0.0], [0.0]]


def test_families_declare_what_their_modules_define():
    dt.ops.load_all()
    assert {"binary", "arithmetic", "random"} <= dt.ops.families().keys()
    assert "hypot" in dt.ops.names()


def test_core_may_take_over_an_op_of_the_other_distributions():
    """An older release of theirs declares it, maybe with fewer arguments, and gets core's; a stranger does not."""
    schema = (
        "channel_norm(Tensor input, Tensor mean, Tensor var, Tensor? weight=None, Tensor? bias=None, "
        "float eps=1e-05) -> Tensor"
    )

    def function(*_):
        raise AssertionError("core's op runs")

    function.__module__ = "dovetail.nn.functional.norm"
    assert dt.ops.op(schema)(function) is dt._core.get_op("channel_norm")
    with_fewer = schema.replace(", float eps=1e-05", "")
    assert dt.ops.op(with_fewer)(function) is dt._core.get_op("channel_norm")
    for old, new in (("Tensor mean", "Tensor average"), ("-> Tensor", "-> Tensor[]")):
        with pytest.raises(ValueError, match="^channel_norm: an op of this name is registered already"):
            dt.ops.op(with_fewer.replace(old, new))(function)
    with pytest.raises(ValueError, match="^channel_norm: an op of this name is registered already"):
        dt.ops.op(schema.replace("eps=1e-05", "eps=0.1"))(function)
    function.__module__ = "strangers"
    with pytest.raises(ValueError, match="^channel_norm: an op of this name is registered already"):
        dt.ops.op(schema)(function)
