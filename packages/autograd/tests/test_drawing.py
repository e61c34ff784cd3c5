"""Drawings of graphs."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

import dovetail as dt
from dovetail.autograd.graph import draw


def leaf(*shape: int) -> dt.Tensor:
    return dt.ones(*shape, requires_grad=True)


def lines(text: str) -> list[str]:
    return text.strip("\n").splitlines()


def test_a_tree() -> None:
    w, b = leaf(3, 2), leaf(2).double().detach().requires_grad_()
    y = dt.ones(4, 3) @ w + b
    drawing = draw((y.exp() * y).sum(), params={"w": w, "b": b})
    assert lines(str(drawing)) == lines("""
sum ()
└─ mul (4, 2)
   ├─ exp (4, 2)
   │  └─ add (4, 2) [1]
   │     ├─ mm (4, 2)
   │     │  └─ w (3, 2) float32
   │     └─ b (2) float64
   └─ add [1], above
""")


def test_graphviz_source() -> None:
    w = leaf(2)
    source = lines(draw(w * w, params={'a "quoted" \\ name': w}).dot)
    assert source[0] == "digraph {"
    assert source[2:] == [
        '  n0 [label="mul\\n(2)", penwidth=2];',
        '  n1 [label="a \\"quoted\\" \\\\ name\\n(2) float32", shape=box, style=filled, fillcolor=lightblue];',
        "  n1 -> n0;",
        "  n1 -> n0;",
        "}",
    ]


def test_which_output_is_on_the_arrow() -> None:
    parts = leaf(4).unbind()
    source = draw(parts[3] * parts[0]).dot
    assert 'n1 [label="unbind\\n(), (), (), ()"];' in source
    assert lines(source)[-4:-1] == ['  n1 -> n0 [label="3"];', "  n1 -> n0;", "  n2 -> n1;"]


def test_functions_and_leaves() -> None:
    class Twice(dt.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: dt.Tensor) -> dt.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, g: dt.Tensor) -> dt.Tensor:
            return g * 2

    x = leaf(2)
    assert lines(str(draw(Twice.apply(x)))) == ["TwiceBackward (2)", "└─ leaf (2) float32"]
    assert str(draw(x, params={"x": x})) == "x (2) float32"
    assert str(draw(dt.tensor(1.0, requires_grad=True))) == "leaf () float32"
    assert str(draw(leaf(0, 3) * 2)).startswith("mul (0, 3)")
    y = x[0]
    y.backward()
    assert str(draw(y.grad_fn)) == str(draw(y))  # a node will do, and the graph need not be fresh


def test_several_roots() -> None:
    x = leaf(2)
    y = x.exp()
    assert lines(str(draw([y.sin(), y]))) == [
        "sin (2)",
        "└─ exp (2) [1]",
        "   └─ leaf (2) float32",
    ]
    assert lines(str(draw((x.sin(), y)))) == [
        "sin (2)",
        "└─ leaf (2) float32 [1]",
        "exp (2)",
        "└─ leaf [1], above",
    ]
    assert draw([y, y]).dot.count("penwidth") == 1


def test_max_nodes_says_what_is_left_out() -> None:
    x = leaf(1)
    y = x
    for _ in range(10):
        y = y.exp()
    drawing = draw(y, max_nodes=3)
    assert lines(str(drawing)) == [
        "exp (1)",
        "└─ exp (1)",
        "   └─ exp (1)",
        "      └─ ...",
        "(8 nodes are left out, those farthest from the result: max_nodes=3)",
    ]
    assert drawing.dot.count("label=") == 4
    assert "rest -> n2 [style=dashed];" in drawing.dot
    assert "left out" not in str(draw(y, max_nodes=11))
    assert "1 node is left out" in draw(y, max_nodes=10).dot
    assert draw([y, y.exp(), y.sin()], max_nodes=1).dot.count("penwidth") == 1


def test_a_deep_graph_is_cut_into_pieces_and_does_not_recurse() -> None:
    y = leaf(1)
    for _ in range(100_000):
        y = y * 2
    drawing = draw(y, max_nodes=200_000)
    tree = str(drawing)
    assert tree.count("mul (1)") == 100_000
    assert tree.count("leaf (1)") == 1
    assert tree.count("below") == len(re.findall(r"^mul", tree, re.MULTILINE)) - 1 > 5_000
    assert max(map(len, tree.splitlines())) < 120
    assert drawing.dot.count("->") == 100_000
    assert "99,501 nodes are left out" in str(draw(y))


def test_every_node_is_drawn_once_and_every_edge() -> None:
    dt.manual_seed(0)
    pool = [leaf(2) for _ in range(3)]
    for i in range(60):
        pool.append(pool[-1 - i % 3] * pool[i % len(pool)])
    drawing = draw(pool[-1])
    nodes = len(re.findall(r"^  n\d+ \[", drawing.dot, re.MULTILINE))
    shown = [line for line in str(drawing).splitlines() if not line.endswith(("above", "below"))]
    assert len(shown) == nodes
    referred = {n for line in str(drawing).splitlines() for n in re.findall(r"\[(\d+)\], ", line)}
    assert referred <= {n for line in shown for n in re.findall(r"\[(\d+)\]$", line)}


def test_files(tmp_path: Path) -> None:
    y = leaf(2).sum()
    drawing = draw(y, tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text() == drawing.dot + "\n"
    draw(y, str(tmp_path / "graph.txt"))
    assert (tmp_path / "graph.txt").read_text(encoding="utf-8") == f"{drawing}\n"
    with pytest.raises(ValueError, match=r"draw: the name must end in \.dot"):
        draw(y, tmp_path / "graph")


def stand_in_for_graphviz(folder: Path, body: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_what_graphviz_is_given_and_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_for_graphviz(tmp_path, 'echo "$@"; cat')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    drawing = draw(leaf(2).sum(), tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text() == "-Tsvg\n" + drawing.dot
    assert drawing.render("png") == b"-Tpng\n" + drawing.dot.encode()
    assert drawing._repr_mimebundle_() == {"text/plain": str(drawing), "image/svg+xml": "-Tsvg\n" + drawing.dot}
    stand_in_for_graphviz(tmp_path, "echo no such format >&2; exit 1")
    with pytest.raises(RuntimeError, match="draw: Graphviz could not make gif: no such format"):
        drawing.save(tmp_path / "graph.gif")
    assert not (tmp_path / "graph.gif").exists()


def test_graphviz_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = draw(leaf(2).sum())
    with pytest.raises(RuntimeError, match=r"draw: svg is made by Graphviz's program dot.*install Graphviz"):
        drawing.save(tmp_path / "graph.svg")
    assert list(drawing._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_itself(tmp_path: Path) -> None:
    w = leaf(2)
    drawing = draw((w * w).exp(), params={'"<w>" \\ & more': w})
    assert drawing.render("svg").count(b'class="node"') == 3
    assert drawing.render("png").startswith(b"\x89PNG")


def test_what_is_refused() -> None:
    x = leaf(2)
    with pytest.raises(RuntimeError, match="draw: tensor 1 does not require a gradient"):
        draw([x * 2, dt.ones(2)])
    for wrong in (3, [], [x, 3], None):
        with pytest.raises(TypeError, match="draw: expected"):
            draw(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="draw: params must be a dict of tensors by name, or a Module"):
        draw(x * 2, params=[x])
    with pytest.raises(TypeError, match=r"draw: params\['x'\] must be a Tensor"):
        draw(x * 2, params={"x": 3})
    with pytest.raises(ValueError, match="draw: max_nodes must be at least 1"):
        draw(x * 2, max_nodes=0)
    with pytest.raises(TypeError, match="draw: max_nodes"):
        draw(x * 2, max_nodes=2.5)  # type: ignore[arg-type]
