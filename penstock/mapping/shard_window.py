"""The tumbling window of a shard: at most one is open, with the timer for its end.

Rules: ``penstock.mapping.windows``. A record that comes late, after a later window has opened, counts in the open one;
a window never opens backwards. The timer runs only while the shard is idle and the end is still to come; once it is
over, the final call waits for a read that finds nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from penstock.mapping.event import encode_json
from penstock.mapping.inputs import StreamRecord
from penstock.mapping.outbox import AwaitedLaneTimer, LaneOwner, Outbox, TumblingWindowEnds
from penstock.mapping.terms import StreamTerms
from penstock.mapping.windows import TumblingWindow, window_start_ms
from penstock.mapping.work import Purpose


class ShardWindow:
    """Opens and closes the windows of one shard; without tumbling windows none ever opens."""

    def __init__(self, owner: LaneOwner, *, terms: StreamTerms, outbox: Outbox) -> None:
        self.length_ms = terms.tumbling_window_ms
        self.open: TumblingWindow | None = None
        """The open window; ``None`` before its first call and after its last."""
        self._owner = owner
        self._terms = terms
        self._outbox = outbox
        self._timer: str | None = None

    @property
    def over(self) -> bool:
        """Whether the open window has ended, grace included."""
        return self.open is not None and self._outbox.now_ms >= self._closes_at_ms(self.open)

    @property
    def oversized(self) -> bool:
        """Whether the open window must end early."""
        return self.open is not None and self.open.oversized

    def of(self, record: StreamRecord) -> TumblingWindow:
        """Give the window that a record belongs to: the open one, or a later one that is not open yet."""
        start_ms = window_start_ms(record.created_at_ms, self.length_ms)
        if self.open is not None and start_ms <= self.open.start_ms:
            return self.open
        return TumblingWindow(start_ms=start_ms, end_ms=start_ms + self.length_ms)

    def closes_at_ms(self, record: StreamRecord) -> int:
        """Tell when the window of a record is over, grace included."""
        return self._closes_at_ms(self.of(record))

    def close(self) -> None:
        """Forget the open window."""
        self.open = None
        self.stop_watching()

    def keep_state(self, payload: Any) -> None:
        """Carry the state of an answer to the next call of the open window."""
        if self.open is not None:
            state = payload["state"]
            oversized = len(encode_json(state).encode()) > self._terms.choices.state_limit_bytes
            self.open = replace(self.open, state=state, oversized=oversized)

    def extras(self, purpose: Purpose, window: TumblingWindow) -> Mapping[str, Any]:
        """Give what an event of a window has beside ``Records``."""
        return window.extras(
            purpose=purpose, shard_id=self._owner.shard_id, event_source_arn=self._terms.event_source_arn
        )

    def watch(self) -> None:
        """Have a timer for the end of the open window, if that is still to come."""
        if self.open is not None and self._timer is None and not self.over:
            awaited = AwaitedLaneTimer(owner=self._owner, reason=TumblingWindowEnds())
            self._timer = self._outbox.start_timer(awaited, self._closes_at_ms(self.open))

    def timer_fired(self) -> None:
        """Take note that the timer has fired."""
        self._timer = None

    def stop_watching(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._outbox.cancel_timer(self._timer)
            self._timer = None

    def _closes_at_ms(self, window: TumblingWindow) -> int:
        return window.end_ms + self._terms.choices.window_grace_ms
