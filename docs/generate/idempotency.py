"""The page on idempotency, written by hand but for its tables.

Each is between two comments and made of the figures that `benchmarks/ladder` keeps.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.ladder import figures
from benchmarks.ladder.tables import TABLES

PAGE = Path(__file__).resolve().parent.parent / "idempotency.md"


def page() -> str:
    """The text of `docs/idempotency.md`, with its tables as the kept figures have them."""
    kept = figures.read()

    def table(found: re.Match[str]) -> str:
        return "\n".join((found["begin"], *TABLES[found["name"]](kept), found["end"]))

    pattern = r"(?P<begin><!-- table: (?P<name>\w+) -->)\n(?s:.*?)(?P<end><!-- end of table -->)"
    return re.sub(pattern, table, PAGE.read_text(encoding="utf-8"))
