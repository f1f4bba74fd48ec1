"""PartiQL for DynamoDB, read into what the other operations are made of: keys, expressions, names and values.

A path becomes a name placeholder, a literal or a ``?`` a value placeholder; a statement that is not understood to its
last word is refused and never guessed at.

Source: PartiQL statements, functions and operators (DynamoDB developer guide). Left out, and refused: ``ORDER BY``,
``IS NULL``, nested paths in what a SELECT gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.cloud.repairs.partiql.reader import Reader
from penstock.cloud.repairs.partiql.statement import PartiqlError, Statement

__all__ = ["PartiqlError", "Statement", "read_statement"]


def read_statement(text: str, parameters: Sequence[Mapping[str, Any]]) -> Statement:
    """Read a statement with its parameters, in DynamoDB JSON; raises `PartiqlError`."""
    return Reader(text, parameters).statement()
