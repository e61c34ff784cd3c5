"""The picture of docs/autograd.md: what forward records, and the order in which backward runs it.

python tools/engine_picture.py > docs/images/engine.svg
"""

from __future__ import annotations

from html import escape

__all__ = ["picture"]

WIDTH, HEIGHT = 860, 330
INK, FAINT, GREEN, RED, PAPER = "#1f2933", "#7b8794", "#2f855a", "#c05621", "#ffffff"

# Columns from left to right: x, the value above, the op, the node below it and what it keeps.
COLUMNS = [
    (110, "w", "", "w (leaf)", ".grad"),
    (330, "w * x", "mul", "MulBackward0", "keeps x"),
    (550, "exp(w * x)", "exp", "ExpBackward0", "keeps its result"),
    (750, "loss", "sum", "SumBackward0", "keeps a shape"),
]
VALUES, NODES = 90, 220  # the heights of the two rows
BOX = (128, 44)


def _text(x: float, y: float, words: str, color: str = INK, size: int = 14, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x}" y="{y}" fill="{color}" font-size="{size}" text-anchor="middle"{weight}>{escape(words)}</text>'
    )


def _box(x: float, y: float, color: str, corner: int) -> str:
    width, height = BOX
    place = f'x="{x - width / 2}" y="{y - height / 2}" width="{width}" height="{height}" rx="{corner}"'
    return f'<rect {place} fill="{PAPER}" stroke="{color}" stroke-width="1.6"/>'


def _arrow(start: tuple[float, float], end: tuple[float, float], color: str, dashed: bool = False) -> str:
    (x1, y1), (x2, y2) = start, end
    dash = ' stroke-dasharray="3 4"' if dashed else ""
    head = "" if dashed else f' marker-end="url(#{color[1:]})"'
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{color}" stroke-width="1.6"{dash}{head}/>'


def _head(color: str) -> str:
    return (
        f'<marker id="{color[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{color}"/></marker>'
    )


def _columns() -> list[str]:
    parts: list[str] = []
    for number, (x, value, op, node, keeps) in enumerate(COLUMNS):
        leaf = number == 0
        parts += [_box(x, VALUES, INK, 4), _text(x, VALUES + 5, value, bold=True)]
        parts += [_arrow((x, VALUES + BOX[1] / 2), (x, NODES - BOX[1] / 2), FAINT, dashed=True)]
        parts += [_box(x, NODES, RED, 4 if leaf else 22), _text(x, NODES + 5, node)]
        parts += [_text(x, NODES + 42, keeps, FAINT, 13)]
        parts += [_text(x, NODES + 62, "last" if leaf else f"runs as number {len(COLUMNS) - number}", RED, 13)]
        if leaf:
            continue
        before = COLUMNS[number - 1][0]
        half = BOX[0] / 2
        middle = (before + x) / 2
        parts += [_arrow((before + half, VALUES), (x - half, VALUES), GREEN), _text(middle, VALUES - 10, op, GREEN)]
        parts += [_arrow((x - half, NODES), (before + half, NODES), RED)]
    parts += [_text(COLUMNS[1][0] - 86, VALUES + 60, "x: a constant, no edge", FAINT, 13)]
    parts += [_text(COLUMNS[2][0] - 60, VALUES + 60, "grad_fn", FAINT, 13)]
    return parts


def picture() -> str:
    """The picture as SVG."""
    title = "Forward computes values and records nodes; backward runs the nodes from the newest to the oldest"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif">',
        f"<title>{title}</title>",
        f"<defs>{_head(GREEN)}{_head(RED)}</defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        _text(WIDTH / 2, 34, "forward: every op computes a value, and leaves a node", GREEN, 15, bold=True),
        *_columns(),
        _text(WIDTH / 2, HEIGHT - 14, "backward: gradients go from node to node, the newest first", RED, 15, bold=True),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(picture(), end="")
