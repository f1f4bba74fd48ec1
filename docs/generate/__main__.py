"""Writes what is generated in `docs/`, a module a page: `python -m docs.generate`; `make test` says what is stale."""

from __future__ import annotations

import sys

from docs.generate import checks, cli, event_source_mapping, idempotency, operations

for module in (event_source_mapping, idempotency, operations, checks, cli):
    module.PAGE.write_text(module.page(), encoding="utf-8")
    sys.stdout.write(f"wrote docs/{module.PAGE.name}\n")
