"""The journal of a running application: what was told, the last of it in memory, all of it in a file if one is wanted.

Facts are told on the application's loop, at the cost of an append; they become lines when the file is flushed. What is
in memory may be asked for from any thread.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from penstock.story.facts import BatchInvoked, Fact, InvocationEnded, MappingDefined, RunBegan
from penstock.story.journal_file import JournalFile
from penstock.story.reasons import Attempt, Outcome, outcome
from penstock.story.telling import lines_of
from penstock.story.way import stories

FACTS = 20_000
"""How many facts stay in memory; our choice: some thousand records with all that came of them."""

EVENT_BYTES = 32 * 1024 * 1024
"""How many bytes of events stay in memory for `Journal.records`; our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A record as a function received it, or the event of an invocation that was no batch of a mapping.

    ``record`` is the entry of ``Records`` (a stream record, an SQS message), or the whole event. ``attempt`` counts
    from 1 how often the function received this record. ``outcome`` says what became of it: ``done``; ``reported`` as a
    batch item failure; ``rewound``, since it stands behind one in a stream's batch; ``failed`` with the function,
    whose error is ``error`` (``<errorType>: <errorMessage>``, else empty). ``at_ms`` is when the invocation ended.
    """

    record: Any
    attempt: int
    outcome: Outcome
    error: str
    request_id: str
    at_ms: int


class Journal:
    """What was told, oldest first."""

    def __init__(self, path: Path | None = None) -> None:
        """``path`` is the file that keeps it all, begun anew; without one it is kept in memory alone."""
        self._file = JournalFile(path) if path is not None else None
        self._frame: list[Fact] = []
        self._kept: deque[Fact] = deque(maxlen=FACTS)
        self._events: deque[tuple[Attempt, bytes]] = deque()
        self._event_bytes = 0
        self._batches: dict[str, BatchInvoked] = {}
        self._told = 0
        self._unwritten: list[Fact] = []
        self._flush_later: Callable[[Callable[[], None]], object] = lambda _: None
        self._listeners: list[Callable[[Fact], None]] = []

    # --- for those who tell ---

    def tell(self, fact: Fact) -> None:
        """Keep a fact."""
        if isinstance(fact, RunBegan | MappingDefined):
            self._frame.append(fact)
        else:
            self._kept.append(fact)
            self._told += 1
        if isinstance(fact, BatchInvoked):
            self._batches[fact.request_id] = fact
        if self._file is not None:
            if not self._unwritten:
                self._file.announce()
                self._flush_later(self.flush)
            self._unwritten.append(fact)
        for listener in self._listeners:
            listener(fact)

    def tell_end(self, fact: InvocationEnded, event: bytes) -> None:
        """Keep the end of an invocation, with the event that it was handed if it ran."""
        batch = self._batches.pop(fact.request_id, None)
        if fact.result in ("returned", "failed"):
            reports = batch is not None and self._reports(batch.mapping)
            self._events.append((Attempt(request_id=fact.request_id, batch=batch, reports=reports, ended=fact), event))
            self._event_bytes += len(event)
            while self._event_bytes > EVENT_BYTES:
                self._event_bytes -= len(self._events.popleft()[1])
        self.tell(fact)

    def _reports(self, mapping: str) -> bool:
        defined = (fact for fact in self._frame if isinstance(fact, MappingDefined) and fact.mapping == mapping)
        return any(fact.reports_batch_item_failures for fact in defined)

    def listen(self, listener: Callable[[Fact], None]) -> None:
        """Have somebody hear each fact as it is told."""
        self._listeners.append(listener)

    def flush_by(self, later: Callable[[Callable[[], None]], object]) -> None:
        """Have ``later`` call what writes the file, from now on whenever there is something to write."""
        self._flush_later = later
        if self._unwritten:
            later(self.flush)

    def flush(self) -> None:
        """Have what was told since the last time written; raises `EnvironmentProblem` where the disk is full."""
        if self._file is not None and self._unwritten:
            unwritten, self._unwritten = self._unwritten, []
            self._file.append(unwritten, frame=self._frame)

    def wait(self) -> None:
        """Return when all that was flushed is written."""
        if self._file is not None:
            self._file.wait()

    def close(self) -> None:
        """Write the rest and let go of the file; raises as `flush` does."""
        try:
            self.flush()
        finally:
            file, self._file = self._file, None
            if file is not None:
                file.close()

    # --- for those who ask, in any thread ---

    def mark(self) -> int:
        """A place in the journal: here; for ``since``."""
        return self._told

    def clear(self) -> None:
        """Forget everything in memory but what the application consists of; marks from before stay good."""
        self._kept.clear()
        self._events.clear()
        self._event_bytes = 0

    def facts(self, *, since: int = 0) -> list[Fact]:
        """The application's own facts, then those told since a mark, as far as they are still in memory."""
        kept = list(self._kept)
        forgotten = self._told - len(kept)
        return [*self._frame, *islice(kept, max(0, since - forgotten), None)]

    def records(self, function: str) -> list[Received]:
        """What a function (by its label) received, in the order in which its invocations ended.

        Each attempt is an entry of its own. Invocations that were throttled or refused do not count, nor those in
        flight. The oldest are forgotten when their events come to more than `EVENT_BYTES`. Empty for a function that
        received nothing, or is none of the template's.
        """
        times: Counter[tuple[str, str, str]] = Counter()
        received = []
        for attempt, event in list(self._events):
            ended = attempt.ended
            assert ended is not None
            if ended.function == function:
                for item, record in _items(attempt, json.loads(event or b"null")):
                    what = (attempt.batch.mapping, attempt.batch.shard_id, item) if attempt.batch else ("", "", item)
                    times[what] += 1
                    received.append(
                        Received(
                            record=record,
                            attempt=times[what],
                            outcome=outcome(attempt, item),
                            error=ended.error,
                            request_id=ended.request_id,
                            at_ms=ended.at_ms,
                        )
                    )
        return received

    def stories(self, since: int = 0) -> Iterator[str]:
        """The stories of all records, messages and events that came to be since a mark, as lines to be printed."""
        return (line for story in stories(self.facts(since=since)) for line in lines_of(story))


def _items(attempt: Attempt, event: Any) -> list[tuple[str, Any]]:
    """(What tells it apart, record) of each record of a batch, or of the event as a whole."""
    if attempt.batch is None:
        return [(attempt.request_id, event)]
    return list(zip(attempt.items, event["Records"], strict=True))
