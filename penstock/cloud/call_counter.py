"""The one counter of AWS calls: who called what, what it consumed, and which invocation it belongs to.

Every execution environment has credentials of its own and serves one invocation at a time. So what came with its
credentials since its last invocation ended belongs to the one that ends now; calls of its Init phase belong to its
first one, those of a thread that outlives an invocation to the next.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.cloud.capacity import Charge
from penstock.cloud.engine import Reply
from penstock.cloud.front_door import Call, Proceed


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one invocation asked of AWS: ``calls`` is (service, operation) → count, units are summed over all tables."""

    calls: Mapping[tuple[str, str], int] = field(default_factory=dict)
    read_units: float = 0.0
    write_units: float = 0.0


class CallCounter:
    """An interceptor that counts every call, refused ones too, and is told what calls consumed.

    ``calls`` is (caller, service, operation) → count; ``units`` is (caller, table, ``read`` or ``write``) → units,
    indexes included.
    """

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.units: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        self._session_calls: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self._session_units: defaultdict[str, dict[str, float]] = defaultdict(lambda: {"read": 0.0, "write": 0.0})

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """Count and go on."""
        self.calls[call.caller.name, call.service, call.operation] += 1
        if call.caller.session:
            self._session_calls[call.caller.session][call.service, call.operation] += 1
        return await proceed(call)

    def consumed(self, call: Call, charges: Sequence[Charge]) -> None:
        """Add the units that a call took."""
        for charge in charges:
            self.units[call.caller.name, charge.table, charge.kind] += charge.units
            if call.caller.session:
                self._session_units[call.caller.session][charge.kind] += charge.units

    def end_invocation(self, session: str) -> Usage:
        """What a session asked for since this was last called for it."""
        units = self._session_units.pop(session, {"read": 0.0, "write": 0.0})
        calls = self._session_calls.pop(session, Counter())
        return Usage(calls=calls, read_units=units["read"], write_units=units["write"])
