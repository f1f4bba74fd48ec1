"""What a lane must do, told as a script: the rules of AWS read from top to bottom, after their published pseudo-code.

The core is a machine of states; this is a coroutine that says what has to happen next and waits until it has happened,
so the two share no structure. A lane that is switched off forgets its script, and begins anew with all that it has not
finished.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

from tests.simulation.behaviour import Meaning
from tests.simulation.entry import Entry, Fate

if TYPE_CHECKING:
    from tests.simulation.shard_model import ShardModel

Purpose = Literal["records", "final", "early"]
Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


class Rest(Enum):
    """Where a script stops without anything in flight."""

    BEGIN = "about to begin something"
    IDLE = "nothing to do"
    GATHERING = "an open batch waits for its batching window"


@dataclass(slots=True, eq=False)
class Window:
    """An open tumbling window and the state that its next call is given."""

    start_ms: int
    end_ms: int
    state: Any = field(default_factory=dict)
    heavy: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """What is handed over together; ``request_id`` is ``None`` until its first call."""

    entries: Sequence[Entry]
    purpose: Purpose
    request_id: str | None = None
    calls: int = 0
    waits: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """The lane must call the function now; ``invocation_id`` is set when it has."""

    item: Item
    window: Window | None
    invocation_id: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Discarded:
    """One on-failure record; ``request_id`` is ``None`` where it must be a new one."""

    entries: Sequence[Entry]
    condition: Condition
    request_id: str | None
    invoke_count: int
    answered: Meaning | None
    window: Window | None
    delivery_id: str | None = None
    body: str = ""
    taken: bool | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Deliver:
    """The lane must report these discards now, and wait for all answers."""

    item: Item
    discards: list[Discarded]


@dataclass(slots=True, kw_only=True, eq=False)
class BackOff:
    """The lane must wait until then, with a timer."""

    until_ms: int
    timer_id: str | None = None


Step = Rest | Call | Deliver | BackOff
Script = Generator[Step, None, None]


class LaneModel:
    """The script of one lane and what it works on."""

    def __init__(self, shard: ShardModel, number: int) -> None:
        self.shard = shard
        self.number = number
        self.backlog: list[Entry] = []
        self.open: list[Entry] = []
        self.window: Window | None = None
        self.position: Entry | None = None
        self.closes_at_ms: int | None = None
        self.gather_timer: str | None = None
        self.watch_timer: str | None = None
        self.meaning = Meaning(verdict="done")
        self.tip_reached = False
        self._model = shard.model
        self._terms = shard.model.terms
        self._taken_through: Entry | None = None
        self._put_back = 0
        """How often everything that was not in flight has been put back."""
        self._current: Sequence[Entry] = ()
        """What is in flight, or follows it whatever happens."""
        self._script = self._life()
        self.step: Step = next(self._script)
        self.free = True
        """Whether nothing is in flight and nothing backs off."""

    # --- what the shard asks and tells ---

    @property
    def drained(self) -> bool:
        """Whether all that was read is finished and no window is open."""
        return self.free and self.window is None and not (self.open or self.backlog)

    @property
    def window_over(self) -> bool:
        """Whether the open window has ended, grace included."""
        return self.window is not None and self._model.now_ms >= self.window.end_ms + self._terms.window_grace_ms

    @property
    def wants_tip(self) -> bool:
        """Whether only a read that finds nothing is missing for the final call."""
        return self.window is not None and self.free and not self.open and self.window_over

    def advance(self) -> None:
        """Go on where the lane rests, as far as it can without an answer."""
        step = self.step
        if step is Rest.IDLE:
            if self.backlog or self.window is not None:
                self.go_on()
        elif step is Rest.GATHERING:
            self.go_on()
        while self.step is Rest.BEGIN:
            self.go_on()

    def go_on(self) -> None:
        """Tell the script that what it waited for has happened."""
        self.step = step = next(self._script)
        self.free = isinstance(step, Rest)
        if isinstance(step, BackOff):
            self._model.starts_timer(step.until_ms, "back-off", self)
        elif not self.free:
            self._model.due.append(self)

    def switch_off(self) -> None:
        """Put everything that is not in flight back."""
        self._put_back += 1
        self.stop_watching()
        self._stop_gathering()
        step = self.step
        if isinstance(step, Call | Deliver):
            kept = len(self._current)
        else:
            kept = 0
            if isinstance(step, BackOff) and step.timer_id is not None:
                self._model.cancels_timer(step.timer_id)
            self._current = ()
            self._script = self._life()
            self.step = next(self._script)
            self.free = True
        self.open = []
        self.backlog = self.shard.unfinished(self.number)[kept:]

    # --- the script ---

    def _life(self) -> Script:
        while True:
            yield Rest.BEGIN
            window = self.window
            if window is not None and window.heavy:
                yield from self._process((), "early")
                continue
            self._take()
            if self.open:
                if window is not None and self._window_of(self.open[0]) is not window:
                    self._model.seen.add("window ended by a later record")
                    yield from self._process((), "final")
                    continue
                batch = self._close()
                if batch:
                    yield from self._process(batch, "records")
                else:
                    yield Rest.GATHERING
            elif window is not None and (self.shard.ended or (self.tip_reached and self.window_over)):
                self._model.seen.add("window ended by its shard" if self.shard.ended else "window ended while idle")
                yield from self._process((), "final")
            else:
                self.position = self._taken_through
                self._watch()
                yield Rest.IDLE

    def _take(self) -> None:
        size, gathers = self._terms.batch_size, self._terms.batching_window_ms > 0
        while self.backlog and (not self.open or (gathers and len(self.open) < size)):
            taken = self.backlog[: self._terms.read_limit]
            del self.backlog[: self._terms.read_limit]
            if self._taken_through is None or taken[-1].index > self._taken_through.index:
                self._taken_through = taken[-1]
            relevant = [entry for entry in taken if entry.relevant]
            self._model.counts("PolledEventCount", len(taken))
            if len(relevant) < len(taken):
                self._model.counts("FilteredOutEventCount", len(taken) - len(relevant))
                self._model.seen.add("filtered out")
                self._model.ledger.finish([entry for entry in taken if not entry.relevant], "filtered")
            self.open += relevant

    def _close(self) -> Sequence[Entry]:
        """Take the next batch from the open records; none while they gather."""
        batch = self.open[: self._terms.batch_size]
        extra = 0
        if self._terms.tumbling_window_ms:
            window = self._window_of(batch[0])
            extra = self._model.extras_bytes(self.shard.shard_id, "records", window)
            batch = list(takewhile(lambda entry: entry.created_at_ms < window.end_ms, batch))
        size = len('{"Records":[') + len("]}") - 1 + extra
        for place, entry in enumerate(batch):
            size += entry.encoded_bytes + 1
            if size > self._terms.event_limit_bytes and place:
                self._model.seen.add("batch closed by its size in bytes")
                del batch[place:]
                break
        if len(batch) == self._terms.batch_size:
            self._model.seen.add("batch closed full")
        elif len(batch) == len(self.open) and not self._gathered():
            return ()
        del self.open[: len(batch)]
        self._stop_gathering()
        return batch

    def _gathered(self) -> bool:
        if not self._terms.batching_window_ms:
            return True
        now_ms = self._model.now_ms
        if self.closes_at_ms is None:
            self.closes_at_ms = now_ms + self._terms.batching_window_ms
            if self._terms.tumbling_window_ms:
                over_ms = self._window_of(self.open[0]).end_ms + self._terms.window_grace_ms
                if now_ms < over_ms < self.closes_at_ms:
                    self.closes_at_ms = over_ms
        if now_ms >= self.closes_at_ms:
            self._model.seen.add("batch closed by its window")
            return True
        if self.gather_timer is None:
            self._model.starts_timer(self.closes_at_ms, "gathering", self)
        return False

    def _process(self, entries: Sequence[Entry], purpose: Purpose) -> Script:
        """Hand records over until they are done or given up; the published pseudo-code, line by line."""
        item = Item(entries=entries, purpose=purpose)
        limit_ms, created_at_ms, not_before_ms = self._terms.age_limit_ms, self._model.now_ms, 0
        while True:
            yield Rest.BEGIN
            oldest_at_ms = entries[0].created_at_ms if entries else created_at_ms
            if self._model.now_ms - oldest_at_ms > limit_ms:
                yield from self._grow_too_old(item)
                entries = item.entries
                if not entries:
                    self._leave(item)
                    return
                continue
            if self._model.now_ms < not_before_ms:
                yield BackOff(until_ms=min(not_before_ms, oldest_at_ms + limit_ms + 1))
                continue
            window = self.window = self._window_for(entries)
            self._current = entries
            yield Call(item=item, window=window)
            self._current = ()
            meaning = self.meaning
            item.waits += 1
            if meaning.verdict == "done":
                self._finish(entries, "processed")
                self._keep_state(meaning, purpose)
                self._leave(item)
                return
            if entries:
                self._model.counts("FailedInvokeEventCount", len(entries))
            if meaning.verdict == "reported":
                self._finish(entries[: meaning.first], "processed")
                self._keep_state(meaning, purpose)
                yield from self._then_process(entries[meaning.first :])
                return
            if meaning.verdict != "not run":
                item.calls += 1
                if self._terms.bisects and len(entries) > 1:
                    self._model.seen.add("bisect")
                    half = len(entries) // 2
                    yield from self._then_process(entries[:half], entries[half:])
                    return
                if self._terms.retries is not None and item.calls > self._terms.retries:
                    yield from self._run_out_of_retries(item, meaning)
                    return
            self._model.seen.add("repeat")
            not_before_ms = self._model.now_ms + self._terms.backoff_ms(item.waits)

    def _then_process(self, *parts: Sequence[Entry]) -> Script:
        """Process parts of an item, each as a fresh one, unless they are put back meanwhile."""
        put_back = self._put_back
        for part in parts:
            if self.window is not None and self.window.heavy:
                yield from self._process((), "early")
            if self._put_back != put_back:
                return
            yield from self._process(part, "records")
            if self._put_back != put_back:
                return

    def _leave(self, item: Item) -> None:
        """Close the window with its last call."""
        if item.purpose != "records":
            self.window = None
            self.stop_watching()
            self._model.seen.add(f"{item.purpose} call of a window")

    # --- giving up ---

    def _grow_too_old(self, item: Item) -> Script:
        horizon_ms = self._model.now_ms - self._terms.age_limit_ms
        gone = list(takewhile(lambda entry: entry.created_at_ms < horizon_ms, item.entries))
        rest = item.entries[len(gone) :]
        if not self._terms.reports_age:
            self._model.seen.add("expired with retention")
            self._finish(gone, "expired")
        elif self._terms.destination is None:
            self._drop(gone, "RecordAgeExceeded")
        else:
            singly = gone and item.waits == 0
            self._model.seen.add("too old before a call" if singly else "too old during retries")
            self._current = item.entries
            yield Deliver(
                item=item,
                discards=[
                    Discarded(
                        entries=entries,
                        condition="RecordAgeExceeded",
                        request_id=None if singly else item.request_id,
                        invoke_count=item.calls + 1,
                        answered=None,
                        window=self._window_for(entries),
                    )
                    for entries in ([[entry] for entry in gone] if singly else [gone])
                ],
            )
            self._current = ()
        item.entries = rest

    def _run_out_of_retries(self, item: Item, meaning: Meaning) -> Script:
        if item.request_id is not None:
            self._model.ledger.exhausted(item.request_id)
        self._model.seen.add("out of retries" if item.entries else "final call given up")
        if self._terms.destination is None:
            self._drop(item.entries, "RetryAttemptsExhausted")
        else:
            self._current = item.entries
            discard = Discarded(
                entries=item.entries,
                condition="RetryAttemptsExhausted",
                request_id=item.request_id,
                invoke_count=item.calls,
                answered=meaning if meaning.ran else None,
                window=self.window,
            )
            yield Deliver(item=item, discards=[discard])
            self._current = ()
        self._leave(item)

    def delivered(self, step: Deliver) -> None:
        """Give the records of all discards their fates: the last answer has come."""
        for discard in step.discards:
            self._finish(discard.entries, "delivered" if discard.taken else "refused")

    def _drop(self, entries: Sequence[Entry], condition: Condition) -> None:
        if entries:
            if self._model.choices.count_drops_without_destination:
                self._model.counts("DroppedEventCount", len(entries))
            self._model.seen.add(f"dropped without a destination ({condition})")
        self._finish(entries, "dropped")

    def _finish(self, entries: Sequence[Entry], fate: Fate) -> None:
        if entries:
            self._model.ledger.finish(entries, fate)
            self.position = entries[-1]

    # --- windows ---

    def _window_of(self, entry: Entry) -> Window:
        length_ms = self._terms.tumbling_window_ms
        start_ms = entry.created_at_ms // length_ms * length_ms
        if self.window is not None and start_ms <= self.window.start_ms:
            return self.window
        return Window(start_ms, start_ms + length_ms)

    def _window_for(self, entries: Sequence[Entry]) -> Window | None:
        if self._terms.tumbling_window_ms and entries:
            return self._window_of(entries[0])
        return self.window

    def _keep_state(self, meaning: Meaning, purpose: Purpose) -> None:
        if self.window is not None and purpose == "records":
            self.window.state = meaning.state
            text = json.dumps(meaning.state, separators=(",", ":"), ensure_ascii=False)
            self.window.heavy = len(text.encode()) > self._terms.state_limit_bytes

    def _watch(self) -> None:
        if self.window is not None and self.watch_timer is None and not self.window_over:
            self._model.starts_timer(self.window.end_ms + self._terms.window_grace_ms, "window", self)

    def stop_watching(self) -> None:
        """Cancel the timer of the window."""
        if self.watch_timer is not None:
            self._model.cancels_timer(self.watch_timer)
            self.watch_timer = None

    def _stop_gathering(self) -> None:
        self.closes_at_ms = None
        if self.gather_timer is not None:
            self._model.cancels_timer(self.gather_timer)
            self.gather_timer = None
