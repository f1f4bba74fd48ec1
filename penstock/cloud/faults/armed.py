"""The script at work in one running application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from penstock.cloud.clock import Clock
from penstock.cloud.faults.calls import FaultyCalls, FindProcess, KeyNames
from penstock.cloud.faults.chance import Chance
from penstock.cloud.faults.deliveries import FaultyEvents, FaultyInvocations
from penstock.cloud.faults.kinds import CallFault, EventFault, Fault, FunctionFault
from penstock.cloud.faults.log import Strike
from penstock.cloud.faults.script import FaultScript

Kind = TypeVar("Kind", bound=Fault)


class Faults:
    """The faults of a script, where they strike: ``calls``, ``invocations``, ``events``; ``log`` is what struck."""

    def __init__(
        self,
        script: FaultScript,
        *,
        clock: Clock,
        process_of: FindProcess,
        key_names: KeyNames,
        on_strike: Callable[[Strike], None] = lambda _: None,
    ) -> None:
        self.log: list[Strike] = []

        def strike(struck: Strike) -> None:
            self.log.append(struck)
            on_strike(struck)

        self.calls = FaultyCalls((), clock=clock, log=strike, process_of=process_of, key_names=key_names)
        self.invocations = FaultyInvocations((), clock=clock, log=strike)
        self.events = FaultyEvents((), clock=clock, log=strike)
        self.arm(script)

    def arm(self, script: FaultScript) -> None:
        """Let the faults of this script strike from now on, and no others."""
        self.script = script
        chances = [Chance(seed=script.seed, place=n, when=fault.when) for n, fault in enumerate(script.faults)]

        def armed(kind: type[Kind]) -> list[tuple[int, Kind, Chance]]:
            return [(n, fault, chances[n]) for n, fault in enumerate(script.faults) if isinstance(fault, kind)]

        self.calls.faults = armed(CallFault)
        self.invocations.faults = armed(FunctionFault)
        self.events.faults = armed(EventFault)
