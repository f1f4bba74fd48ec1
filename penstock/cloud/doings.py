"""Who is at work right now: what comes to be meanwhile is put down to them.

A call at the front door, a delivery of a rule, an on-failure delivery: each says `doing` around what it does. What that
makes within the same task, a stream record, a message, a bus event, finds it by `present`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Doing:
    """What is done, by whom; ``made`` are the ids of what came of it so far, ``faults`` what struck it."""

    caller: str = ""
    operation: str = ""
    request_id: str = ""
    made: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    written: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(table, shard) → the stream records that it wrote, as JSON texts."""
    over: bool = False


_PRESENT: ContextVar[Doing | None] = ContextVar("doing", default=None)


@contextmanager
def doing(*, caller: str, operation: str = "", request_id: str = "") -> Iterator[Doing]:
    """Say what is done within; it ends with what is made by then."""
    what = Doing(caller=caller, operation=operation, request_id=request_id)
    token = _PRESENT.set(what)
    try:
        yield what
    finally:
        what.over = True
        _PRESENT.reset(token)


def present() -> Doing | None:
    """What is being done, if anything; what was done when the task at hand began is over by now."""
    what = _PRESENT.get()
    return None if what is None or what.over else what


def made(thing_id: str) -> None:
    """Put something new down to whoever is at work."""
    what = present()
    if what is not None:
        what.made.append(thing_id)
