"""What an answer says about the batch: ``ReportBatchItemFailures``.

Rules (Using Lambda with DynamoDB Streams, "Configuring partial batch response"; recorded on AWS in October 2025):

* done: ``null``, ``{}``, ``[]``, ``""``, an object whose ``batchItemFailures`` is absent, ``null`` or empty;
* failed whole: a list that is no list, an entry that is no object, an ``itemIdentifier`` that is absent, ``null``,
  empty, no string, or names nothing in the batch; one such entry spoils the good ones. An answer that is no object
  at all and not empty cannot be read and fails too (our choice);
* else the entries name what failed, in any order, repeats allowed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AllDone:
    """The whole batch is done."""


@dataclass(frozen=True, slots=True)
class AllFailed:
    """The whole batch failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeFailed:
    """These items of the batch failed; never empty."""

    item_identifiers: frozenset[str]


Report = AllDone | AllFailed | SomeFailed

ALL_DONE = AllDone()
ALL_FAILED = AllFailed()


def read_report(payload: Any, item_identifiers: Collection[str], *, empty_entry_fails: bool = True) -> Report:
    """Judge a function's answer by its ``batchItemFailures``.

    ``item_identifiers`` are those of the batch: sequence numbers or message ids. ``empty_entry_fails`` says what an
    entry ``{}`` means; without it such an entry names nothing.
    """
    if not isinstance(payload, dict):
        return ALL_DONE if payload is None or payload in ("", []) else ALL_FAILED
    entries = payload.get("batchItemFailures")
    if entries is None:
        return ALL_DONE
    if not isinstance(entries, list):
        return ALL_FAILED
    named = set()
    for entry in entries:
        if entry == {} and not empty_entry_fails:
            continue
        identifier = entry.get("itemIdentifier") if isinstance(entry, dict) else None
        if not isinstance(identifier, str) or identifier not in item_identifiers:
            return ALL_FAILED
        named.add(identifier)
    return SomeFailed(item_identifiers=frozenset(named)) if named else ALL_DONE
