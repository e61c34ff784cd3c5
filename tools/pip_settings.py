"""Where packages come from, as pip is configured, told to uv, which reads none of pip's settings."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

# pip's setting -> uv's variable, and what joins several values.
VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
}


def settings() -> dict[str, str]:
    """pip's settings, those of its files first, so that the environment's win."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found = {}
    for line in sorted(listing.splitlines(), key=lambda line: (line.startswith(":env:"), line.startswith("install."))):
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in {"global", "install", ":env:"}:
            found[key] = str(ast.literal_eval(value))
    for key in VARIABLES:  # also where this Python has no pip
        found[key] = os.environ.get("PIP_" + key.upper().replace("-", "_"), found.get(key, ""))
    return found


def pass_on_to_uv() -> None:
    """Set uv's variables from pip's settings; what is set already stays."""
    found = settings()
    for key, (variable, separator) in VARIABLES.items():
        if found[key]:
            os.environ.setdefault(variable, separator.join(found[key].split()))
    if found["extra-index-url"]:  # pip takes the best version of all indexes, uv by default that of the first
        os.environ.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
