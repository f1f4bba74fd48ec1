"""What can happen in a simulated world: the rows of the table that a run prints.

Each must be seen in one world of a hundred at least, or the simulation has grown blind to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

LEAST_PER_CENT: Final = 1.0
"""How many worlds of a hundred must see each happening."""

HAPPENINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "the function": (
        "function raises",
        "function times out",
        "function crashes",
        "report from the middle of a batch",
        "report of the first record",
        "malformed report",
        "answer without state",
        "record that fails",
        "throttled",
        "unavailable",
        "payload refused",
    ),
    "answers": (
        "answer of an invocation late",
        "answer of an invocation lost",
        "answer of an invocation doubled",
        "answer of a delivery late",
        "answer of a delivery lost",
        "answer of a delivery doubled",
        "answer of a read doubled",
        "answer of a receive doubled",
        "answer to an invocation that nobody awaits",
        "answer to a delivery that nobody awaits",
        "answer to a read that nobody awaits",
        "answer to a receive that nobody awaits",
        "invocation given up for want of an answer",
        "delivery repeated for want of an answer",
        "timer late",
        "timer that nobody awaits",
    ),
    "the source": (
        "shard split or succeeded",
        "shards merged",
        "child waits for the end of its parent",
        "read failed",
        "read empty",
        "position lost to retention",
        "lost to retention unread",
        "skipped before the starting position",
        "reading pauses for the backlog",
        "receive failed",
        "receive empty",
        "message comes back",
        "message dead-lettered",
        "message deleted too late",
    ),
    "the mapping": (
        "switched off",
        "switched off with something in flight",
        "held messages released when switched off",
        "filtered out",
        "filtered message deleted",
        "batch closed full",
        "batch closed by its size in bytes",
        "batch closed by its window",
        "two batches of a shard in flight",
        "two batches of a queue in flight",
        "message waits for its group",
    ),
    "failures": (
        "repeat",
        "bisect",
        "several records fail together",
        "out of retries",
        "too old before a call",
        "too old during retries",
        "expired with retention",
        "dropped without a destination (RetryAttemptsExhausted)",
        "dropped without a destination (RecordAgeExceeded)",
        "on-failure record to sqs",
        "on-failure record to sns",
        "on-failure record to s3",
        "destination takes",
        "destination refuses",
        "repeat under the same lease",
        "lease ends before the next attempt",
        "lease ends before a batch is made",
        "lease ends during the back-off",
        "some messages of a batch fail",
        "all messages of a batch fail",
        "messages behind a failed one of their group left",
    ),
    "tumbling windows": (
        "window ended by a later record",
        "window ended by its shard",
        "window ended while idle",
        "read for the end of an idle window",
        "final call of a window",
        "final call failed",
        "final call given up",
        "early call of a window",
        "repeat given the same state",
    ),
}
"""Every happening by its kind."""


def table(worlds: int, counted: Counter[str]) -> list[str]:
    """Tell how many worlds of a hundred saw each happening."""
    lines = []
    for kind, happenings in HAPPENINGS.items():
        lines.append(kind)
        lines += [f"  {100 * counted[happening] / worlds:6.1f} %  {happening}" for happening in happenings]
    return lines


def too_rare(worlds: int, counted: Counter[str]) -> list[str]:
    """Give what too few worlds saw, and what was seen without being in the table."""
    known = [happening for happenings in HAPPENINGS.values() for happening in happenings]
    rare = [happening for happening in known if 100 * counted[happening] < LEAST_PER_CENT * worlds]
    return rare + sorted(set(counted) - set(known))
