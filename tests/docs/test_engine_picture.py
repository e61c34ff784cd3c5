"""The picture of the page on autograd is what its script draws."""

from pathlib import Path

from tools.engine_picture import picture

ROOT = Path(__file__).resolve().parents[2]


def test_the_picture_is_that_of_the_script() -> None:
    assert (ROOT / "docs" / "images" / "engine.svg").read_text(encoding="utf-8") == picture()
