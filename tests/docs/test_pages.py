"""The pages: their Python runs, what they quote is in the tree, and their links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("packages/*/README.md"))]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)

each_page = pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])


def python_of(text: str) -> str:
    """The page's ```python blocks as one program, every line at its number in the page."""
    lines = [""] * (text.count("\n") + 1)
    for fence in FENCE.finditer(text):
        if fence["info"] == "python":
            start = text.count("\n", 0, fence.start("body"))
            body = fence["body"].splitlines()
            lines[start : start + len(body)] = body
    return "\n".join(lines)


@each_page
def test_python_blocks_run(page, tmp_path):
    program = python_of(page.read_text(encoding="utf-8"))
    if program.strip():
        script = tmp_path / f"{page.parent.name}_{page.stem}.py"
        script.write_text(program, encoding="utf-8")
        ran = subprocess.run(
            [sys.executable, "-W", "error", script.name], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


@each_page
def test_quotes_are_in_the_tree(page):
    """A block ```cpp path or ```python path quotes lines of that file."""
    for fence in FENCE.finditer(page.read_text(encoding="utf-8")):
        _, _, path = fence["info"].partition(" ")
        if path:
            source = [line.strip() for line in (ROOT / path).read_text(encoding="utf-8").splitlines()]
            quote = [line.strip() for line in fence["body"].splitlines()]
            starts = range(len(source) - len(quote) + 1)
            assert any(source[i : i + len(quote)] == quote for i in starts), f"{path} no longer reads\n{fence['body']}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            destination = (page.parent / path).resolve() if path else page
            assert destination.exists(), target
            assert not anchor or anchor in anchors(destination), target


@each_page
def test_a_page_is_reachable(page):
    """Every page of docs/ is linked from the index, and the index from the README."""
    if page.parent == ROOT / "docs" and page.name != "index.md":
        assert f"]({page.name})" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    if page.name == "index.md":
        assert "](docs/index.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
