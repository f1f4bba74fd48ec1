"""Faults of what AWS hands over: invocations and their batches, bus events, on-failure records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from penstock.cloud.clock import Clock
from penstock.cloud.faults.chance import Chance
from penstock.cloud.faults.kinds import (
    BatchRedelivered,
    DestinationRefused,
    EventDelayed,
    EventDoubled,
    EventFault,
    FunctionFault,
    InvocationFailed,
)
from penstock.cloud.faults.log import Strike
from penstock.template.models import Rule


class FaultyInvocations:
    """What befalls invocations of functions and what follows from them."""

    def __init__(
        self, faults: Sequence[tuple[int, FunctionFault, Chance]], *, clock: Clock, log: Callable[[Strike], None]
    ) -> None:
        self.faults = faults
        self._clock = clock
        self._log = log

    def failure(self, function: str, request_id: str, payload: bytes) -> Literal["raises", "exits"] | None:
        """How an invocation of this function (label) with this event fails, if it does."""
        fault = self._struck(InvocationFailed, function, request_id, payload.decode)
        return fault.how if isinstance(fault, InvocationFailed) else None

    def redelivery(self, function: str, request_id: str, payload: bytes) -> Literal["counted", "lost"] | None:
        """What becomes of the first answer when this batch is delivered again, if it is."""
        fault = self._struck(BatchRedelivered, function, request_id, payload.decode)
        return fault.answer if isinstance(fault, BatchRedelivered) else None

    def refusal(self, function: str, body: str) -> bool:
        """Whether a destination refuses this record, or a dead-letter queue this event, of a function."""
        return self._struck(DestinationRefused, function, "", lambda: body) is not None

    def _struck(
        self, kind: type[FunctionFault], function: str, request_id: str, text: Callable[[], str]
    ) -> FunctionFault | None:
        """The first fault of a kind that hits; the text is asked for only where a fault looks at it."""
        for number, fault, chance in self.faults:
            if not isinstance(fault, kind) or fault.function != function:
                continue
            said = text()
            if (fault.matching is None or fault.matching in said) and chance.strikes(function):
                self._log(
                    Strike(
                        kind=fault.kind,
                        fault=number,
                        at_ms=self._clock.now_ms(),
                        victim=function,
                        request_id=request_id,
                        text=said,
                    )
                )
                return fault
        return None


class FaultyEvents:
    """What befalls events on their way from the bus to a target."""

    def __init__(
        self, faults: Sequence[tuple[int, EventFault, Chance]], *, clock: Clock, log: Callable[[Strike], None]
    ) -> None:
        self.faults = faults
        self._clock = clock
        self._log = log

    def delays_ms(self, rule: Rule, event: Mapping[str, Any]) -> list[int]:
        """How late each delivery of this event by this rule is: ``[0]`` for one that nothing befalls."""
        late, copies = 0, []
        for number, fault, chance in self.faults:
            if fault.rule not in (None, rule.label):
                continue
            text = json.dumps(event)
            if (fault.matching is not None and fault.matching not in text) or not chance.strikes(rule.label):
                continue
            delay_ms = 1 + int(chance.draw(rule.label, "delay") * fault.milliseconds)
            if isinstance(fault, EventDoubled):
                copies.append(delay_ms)
            elif isinstance(fault, EventDelayed):
                late += delay_ms
            self._log(Strike(kind=fault.kind, fault=number, at_ms=self._clock.now_ms(), victim=rule.label, text=text))
        return [late, *copies]
