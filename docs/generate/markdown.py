"""Words of docstrings and descriptions as Markdown."""

from __future__ import annotations

import re


def markdown(text: str) -> str:
    """A docstring as Markdown: its double backticks become single ones."""
    return text.replace("``", "`")


def cell(text: str) -> str:
    """A docstring as one table cell."""
    return re.sub(r"\s+", " ", markdown(text)).strip().replace("|", "\\|")
