"""Fold a stream over a tumbling window: one write for all records of a window and shard.

Rung 2 of the ladder, *fold*, written by rung 1: the row is overwritten as a whole under the name of window, shard and
first sequence number. A repeated call begins from the state of before; a repeated final call has the same state, hence
the same name. The sequence number travels in the state, since the final call has no records. It tells apart what would
otherwise share a name: a window that was terminated early, when its state outgrew 1 MB, goes on with an empty state and
ends in a second row; so does a window of which a shard has seen the end of its parent. Readers add up all rows of a
window.

Conditions: no filter and no bisect, which would let a window miss or repeat a record, parallelization factor 1, and a
mapping that keeps its place: one that is replaced begins in the middle of windows and writes rows under new names
beside the old ones. A window whose final call is given up ends at the on-failure destination, its state in the payload.

A record that cannot be counted is counted as bad and never raised: raised, it would be repeated until the whole batch
is given up. The state has to stay small: Lambda takes 1 MB (source: "Using tumbling windows"), and sends it each time.

Cost: 1 write unit a window and shard, however many records.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from aws_lambda_powertools import Logger


class WindowState(Protocol):
    """What a window has come to so far; frozen, each method gives the next state."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write down."""
        ...

    def seen(self, sequence_number: str) -> Self:
        """Note the first sequence number; raises for what is none."""
        ...

    def count_bad(self) -> Self:
        """Count a record that could not be counted."""
        ...

    def state(self) -> dict[str, Any]:
        """Write the state as JSON, for the next call."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window of one shard; start and end are `YYYY-MM-DDTHH:MM:SSZ`, the end excluded."""

    start: str
    end: str
    shard_id: str


_State = TypeVar("_State", bound=WindowState)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFold(Generic[_State]):
    """Reads a state, counts a record into it (or raises), and writes the row of a window that ended."""

    read: Callable[[Mapping[str, Any]], _State]
    count: Callable[[_State, Mapping[str, Any]], _State]
    write: Callable[[Window, _State], None]
    logger: Logger

    def fold(self, event: Mapping[str, Any]) -> _State:
        """Give what the window has come to with the records of this event; raises nothing for any record."""
        state = self.read(event.get("state") or {})
        for record in event["Records"]:
            state = self._counted(state, record)
        return state

    def answer(self, event: Mapping[str, Any], state: _State) -> dict[str, Any]:
        """Give the state on to the next call, or write it down when the window ends. 1 call at the end, else none."""
        if not (event["isFinalInvokeForWindow"] or event["isWindowTerminatedEarly"]):
            return {"state": state.state()}
        if not state.is_empty:
            window = event["window"]
            self.write(Window(start=window["start"], end=window["end"], shard_id=event["shardId"]), state)
        return {"state": {}}

    def _counted(self, state: _State, record: Mapping[str, Any]) -> _State:
        try:
            state = state.seen(record["dynamodb"]["SequenceNumber"])
            return self.count(state, record)
        except Exception:  # whatever `count` raises, the shard must not be held: the record is logged and counted
            event_id = record.get("eventID") if isinstance(record, Mapping) else None
            self.logger.warning("record cannot be counted", event_id=event_id, exc_info=True)
            return state.count_bad()
