"""Drawings of a graph: Graphviz source, what Graphviz makes of it, and a tree in text."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dovetail import Tensor, checks

from . import _engine
from ._engine import AccumulateGrad, Node

__all__ = ["Drawing", "draw"]

# A tree is this deep at most; what is below begins anew at the margin.
_DEEPEST = 16


@dataclass
class _Drawn:
    """A node in a drawing."""

    title: str
    shapes: str
    is_leaf: bool
    inputs: list[tuple[int, int]] = field(default_factory=list)  # (which node, which of its outputs)
    hidden: int = 0  # inputs that are not drawn

    @property
    def label(self) -> str:
        return f"{self.title} {self.shapes}"


class Drawing:
    """A graph as `draw` found it: `dot` is its Graphviz source, `str()` the tree.

    Notebooks show it as a picture where Graphviz is there, else as the tree.
    """

    def __init__(self, nodes: list[_Drawn], roots: list[int], left_out: int) -> None:
        self._nodes, self._roots, self._left_out = nodes, roots, left_out

    def __str__(self) -> str:
        lines = list(_Tree(self._nodes, self._roots).lines())
        if self._left_out:
            lines.append(f"({self._note()})")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Drawing of {len(self._nodes)} nodes>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": str(self)}
        if shutil.which("dot"):
            bundle["image/svg+xml"] = self.render("svg").decode()
        return bundle

    def _note(self) -> str:
        what = "1 node is" if self._left_out == 1 else f"{self._left_out:,} nodes are"
        return f"{what} left out, those farthest from the result: max_nodes={len(self._nodes)}"

    @property
    def dot(self) -> str:
        """Graphviz source. Leaves are boxes; arrows point the way that the values went."""
        lines = ["digraph {", '  node [shape=ellipse, fontname="Helvetica", fontsize=11];']
        for i, node in enumerate(self._nodes):
            style = ", shape=box, style=filled, fillcolor=lightblue" if node.is_leaf else ""
            style += ", penwidth=2" if i in self._roots else ""
            lines.append(f'  n{i} [label="{_quoted(node.title)}\\n{_quoted(node.shapes)}"{style}];')
        for i, node in enumerate(self._nodes):
            for at, nr in node.inputs:
                numbered = f' [label="{nr}"]' if nr else ""
                lines.append(f"  n{at} -> n{i}{numbered};")
            if node.hidden:
                lines.append(f"  rest -> n{i} [style=dashed];")
        if self._left_out:
            lines.append(f'  rest [label="{_quoted(self._note())}", shape=plaintext];')
        return "\n".join([*lines, "}"])

    def render(self, format: str = "svg") -> bytes:
        """The picture that Graphviz's program `dot` makes, in a format of its own ("svg", "png", "pdf", ...).

        Raises RuntimeError where the program is missing or refuses.
        """
        program = shutil.which("dot")
        if program is None:
            raise RuntimeError(
                f"draw: {format} is made by Graphviz's program dot, which is not on the PATH; install Graphviz (the "
                "package graphviz of apt, dnf, brew and conda), or take the .dot source or the .txt tree"
            )
        ran = subprocess.run([program, f"-T{format}"], input=self.dot.encode(), capture_output=True, check=False)
        if ran.returncode:
            raise RuntimeError(f"draw: Graphviz could not make {format}: {ran.stderr.decode(errors='replace').strip()}")
        return ran.stdout

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file, in the form that its suffix names: .dot or .gv, .txt, or one of Graphviz's (.svg, .png).

        Example:
            >>> import pathlib, tempfile
            >>> drawing = dt.autograd.graph.draw(dt.ones(2, requires_grad=True).sum())
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     drawing.save(pathlib.Path(folder, "graph.dot"))
            ...     pathlib.Path(folder, "graph.dot").read_text().splitlines()[0]
            'digraph {'
        """
        suffix = Path(path).suffix[1:].lower()
        if not suffix:
            raise ValueError(f"draw: the name must end in .dot, .txt, .svg or .png to say what to write, got {path!r}")
        if suffix in ("dot", "gv"):
            content = self.dot.encode() + b"\n"
        else:
            content = f"{self}\n".encode() if suffix == "txt" else self.render(suffix)
        Path(path).write_bytes(content)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


class _Tree:
    """Lines of a tree. A node is shown whole once; elsewhere its number stands for it."""

    def __init__(self, nodes: list[_Drawn], roots: list[int]) -> None:
        self.nodes = nodes
        self.uses = Counter([*roots, *(at for node in nodes for at, _ in node.inputs)])
        self.roots = roots
        self.numbers: dict[int, int] = {}
        self.shown: set[int] = set()

    def lines(self) -> Iterator[str]:
        blocks = deque(self.roots)
        while blocks:
            root = blocks.popleft()
            if root not in self.shown:
                yield from self._block(root, blocks)

    def _number(self, at: int) -> int:
        return self.numbers.setdefault(at, len(self.numbers) + 1)

    def _block(self, root: int, blocks: deque[int]) -> Iterator[str]:
        # what is to be written, the next one last: the node, the lines drawn before it, the same for its inputs
        open_: list[tuple[int | str, str, str, int]] = [(root, "", "", 0)]
        while open_:
            at, before, below, depth = open_.pop()
            if isinstance(at, str):
                yield before + at
                continue
            node = self.nodes[at]
            if at in self.shown:
                yield f"{before}{node.title} [{self._number(at)}], above"
                continue
            if depth == _DEEPEST and (node.inputs or node.hidden):
                blocks.append(at)
                yield f"{before}{node.title} [{self._number(at)}], below"
                continue
            self.shown.add(at)
            numbered = f" [{self._number(at)}]" if self.uses[at] > 1 or at in self.numbers else ""
            yield f"{before}{node.label}{numbered}"
            under: list[int | str] = [each for each, _ in node.inputs]
            if node.hidden:
                under.append("...")
            for i in reversed(range(len(under))):
                last = i == len(under) - 1
                branch, side = ("└─ ", "   ") if last else ("├─ ", "│  ")
                open_.append((under[i], below + branch, below + side, depth + 1))


def _names(params: Any) -> dict[int, str]:
    """Names of tensors by their ids."""
    named = getattr(params, "named_parameters", None)
    pairs = dict(named()) if callable(named) else params
    if pairs is None:
        return {}
    if not isinstance(pairs, Mapping):
        raise TypeError(f"draw: params must be a dict of tensors by name, or a Module, got {checks.shown(params)}")
    for name, t in pairs.items():
        if not isinstance(t, Tensor):
            raise TypeError(f"draw: params[{name!r}] must be a Tensor, got {checks.shown(t)}")
    return {id(t): str(name) for name, t in pairs.items()}


def _roots(tensors: Any) -> list[Node]:
    if isinstance(tensors, (Tensor, Node)):
        tensors = [tensors]
    if not isinstance(tensors, Sequence) or not tensors:
        raise TypeError(f"draw: expected a Tensor or a Node, or several, got {checks.shown(tensors)}")
    found = []
    for i, each in enumerate(tensors):
        if not isinstance(each, (Tensor, Node)):
            raise TypeError(f"draw: expected Tensors and Nodes, got {checks.shown(each)}")
        node = _engine.gradient_edge(each)[0] if isinstance(each, Tensor) else each
        if node is None:
            raise RuntimeError(
                f"draw: tensor {i} does not require a gradient, so that no graph was recorded; it was computed from "
                "tensors that require none, or under no_grad"
            )
        found.append(node)
    return found


def _drawn(node: Node, names: Mapping[int, str]) -> _Drawn:
    shapes = ", ".join(str(shape).replace(",)", ")") for shape in node._output_shapes() if shape is not None)
    if not isinstance(node, AccumulateGrad):
        return _Drawn(node._op_name(), shapes, False)
    leaf = node.variable
    return _Drawn(names.get(id(leaf), "leaf"), f"{shapes} {leaf.dtype.name}", True)


def draw(
    tensors: Tensor | Node | Sequence[Tensor | Node],
    path: str | os.PathLike[str] | None = None,
    *,
    params: Any = None,
    max_nodes: int = 500,
) -> Drawing:
    """Draw the graph that was recorded on the way to a tensor.

    A node is an op (or a Function) with the shapes of its results, or a leaf, with its name, shape and dtype.

    Args:
        tensors: a tensor, or a node of the graph, or several.
        path: a file to write: .dot and .txt always; .svg and .png need Graphviz's program `dot`.
        params: names for the leaves: a dict of tensors by name, or a Module.
        max_nodes: draw this many nodes, those that are nearest to the tensors, and say how many were left out.

    Returns a `Drawing`: its `dot` is Graphviz source, its `str()` a tree, in which every line's inputs hang below it.

    Raises RuntimeError where nothing was recorded, or where Graphviz is needed and missing.

    Example:
        >>> w, x = dt.ones(3, requires_grad=True), dt.ones(3)
        >>> y = w * x
        >>> print(dt.autograd.graph.draw((y.exp() + y).sum(), params={"w": w}))
        sum ()
        └─ add (3)
           ├─ exp (3)
           │  └─ mul (3) [1]
           │     └─ w (3) float32
           └─ mul [1], above
    """
    checks.ints("draw", max_nodes=max_nodes)
    if max_nodes < 1:
        raise ValueError(f"draw: max_nodes must be at least 1, got {max_nodes}")
    names = _names(params)
    found = list(dict.fromkeys(_roots(tensors)))  # holds the nodes, so that no two get one id
    places = {id(node): i for i, node in enumerate(found)}
    n_roots = len(found)
    drawn: list[_Drawn] = []
    for node in found:  # it grows on the way: the nearest first
        edges = [(each, nr) for each, nr in node.next_functions if each is not None]
        for each, _ in edges:
            if id(each) not in places:
                places[id(each)] = len(found)
                found.append(each)
        if len(drawn) < max_nodes:
            drawn.append(_drawn(node, names))
            drawn[-1].inputs = [(places[id(each)], nr) for each, nr in edges]
    for shown in drawn:
        inside = [(at, nr) for at, nr in shown.inputs if at < len(drawn)]
        shown.hidden, shown.inputs = len(shown.inputs) - len(inside), inside
    drawing = Drawing(drawn, list(range(min(n_roots, len(drawn)))), len(found) - len(drawn))
    if path is not None:
        drawing.save(path)
    return drawing
