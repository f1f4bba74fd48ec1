"""A step of a story, and what came of it: the shape of `penstock story --json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "record",
    "origin",
    "filter",
    "attempt",
    "invocation",
    "call",
    "fault",
    "event",
    "delivery",
    "message",
    "destination",
    "end",
]
"""``origin`` is where a message or an event came from, ``end`` what a mapping did in the end with what it read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened; ``steps`` are those that belong to it or came of it, in order.

    ``id`` is an ``eventID``, the id of a message or of a bus event. ``attempt`` counts from 1 for each record or
    message and mapping; with it go ``reason`` (why it was made) and ``outcome``. ``faults`` are those of the fault
    script that struck here. What does not apply is empty, ``attempt`` 0, ``passes`` ``None``.
    """

    at_ms: int
    kind: Kind
    text: str
    id: str = ""
    mapping: str = ""
    function: str = ""
    request_id: str = ""
    attempt: int = 0
    reason: str = ""
    outcome: str = ""
    passes: bool | None = None
    faults: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
