"""The picture of the page on graphs is that of the graph that its code records."""

import html
import re
import runpy
from pathlib import Path

import pytest

from tests.docs.test_pages import python_of

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_picture_shows_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("page.py").write_text(python_of((DOCS / "reading-a-graph.md").read_text(encoding="utf-8")), encoding="utf-8")
    source = runpy.run_path("page.py")["drawing"].dot
    assert Path("graph.dot").read_text(encoding="utf-8") == source + "\n"

    svg = (DOCS / "images" / "graph.svg").read_text(encoding="utf-8")
    drawn = {}
    for title, body in re.findall(r'<g id="node\d+" class="node">\s*<title>(\w+)</title>(.*?)</g>', svg, re.DOTALL):
        drawn[title] = "\\n".join(re.findall(r"<text[^>]*>([^<]*)</text>", body))
    assert drawn == dict(re.findall(r'^  (n\d+) \[label="([^"]*)"', source, re.MULTILINE))
    arrows = re.findall(r"<title>(\w+)->(\w+)</title>", html.unescape(svg))
    assert sorted(arrows) == sorted(re.findall(r"^  (n\d+) -> (n\d+)", source, re.MULTILINE))
