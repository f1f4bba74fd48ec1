"""The work item: records that are handed to the function together, and what became of the attempts.

Rules (recorded on AWS, ``MaximumRetryAttempts`` 1 → 2 calls, 3 → 4):

* ``calls`` counts the attempts that spend a retry: function errors, failed answers, refused payloads;
* a repeat keeps item and request id; what a partial answer leaves, and each half of a bisected item, is a fresh
  item: no calls, a request id of its own;
* attempts at which the function was not invoked count as ``waits`` alone, which only set the back-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.mapping.inputs import FunctionError, Outcome, Returned, StreamRecord

Purpose = Literal["records", "final", "early"]
"""Why a function is called: with records, at the end of a tumbling window, or because its state grew too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """Records in order (none for the final call of a window) and the attempts so far.

    ``created_at_ms`` is the origin of the age of a final call; ``not_before_ms`` the end of its back-off.
    """

    request_id: str
    records: tuple[StreamRecord, ...]
    created_at_ms: int
    purpose: Purpose = "records"
    calls: int = 0
    waits: int = 0
    not_before_ms: int = 0
    last_outcome: Outcome | None = None

    @property
    def oldest_at_ms(self) -> int:
        """The instant that its age counts from."""
        return self.records[0].created_at_ms if self.records else self.created_at_ms

    @property
    def answered(self) -> Returned | FunctionError | None:
        """How the function answered the last attempt; ``None`` if it did not run."""
        return self.last_outcome if isinstance(self.last_outcome, Returned | FunctionError) else None
