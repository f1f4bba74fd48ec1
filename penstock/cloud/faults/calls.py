"""Faults of AWS calls, at the front door: each is an interceptor that lets pass what it does not hit."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from penstock.cloud.clock import Clock
from penstock.cloud.faults.chance import Chance
from penstock.cloud.faults.entries import BATCHES
from penstock.cloud.faults.kinds import CallFault, Error, Latency, ProcessKilled, ResponseLost, Throttle
from penstock.cloud.faults.log import Strike
from penstock.cloud.faults.refusals import SERVICES, Refusal, refusal_of
from penstock.cloud.front_door import Call, ConnectionBroken, Proceed
from penstock.cloud.named_items import named_by
from penstock.cloud.wire_form import Reply

KeyNames = Mapping[str, Sequence[str]]
"""Table name → the names of its key's attributes."""


class Process(Protocol):
    """The worker process that a call came from."""

    @property
    def request_id(self) -> str:
        """The request id of the invocation under way, or empty."""

    @property
    def event(self) -> str:
        """The event of the invocation under way, or empty."""

    @property
    def doomed(self) -> bool:
        """Whether nothing more may leave this process."""

    def crash(self) -> None:
        """End the process as a signal would."""

    def doom(self) -> None:
        """End the process as soon as anything would leave it."""


FindProcess = Callable[[str], Process | None]
"""Find the process with this execution environment id."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A call as the faults see it; ``place`` counts the calls of an invocation, from 1 (0 outside of one)."""

    call: Call
    process: Process | None
    request_id: str
    place: int
    text: str
    item_keys: tuple[str, ...]

    @property
    def about(self) -> str:
        """What a draw for this call depends on: who calls what, for which items."""
        call = self.call
        return "/".join((call.caller.name, call.service, call.operation, *self.item_keys))


class FaultyCalls:
    """The interceptor of one script: every call passes its faults, in the order of the script."""

    def __init__(
        self,
        faults: Sequence[tuple[int, CallFault, Chance]],
        *,
        clock: Clock,
        log: Callable[[Strike], None],
        process_of: FindProcess,
        key_names: KeyNames,
    ) -> None:
        self.faults = faults
        self._clock = clock
        self._log = log
        self._process_of = process_of
        self._key_names = key_names
        self._places: Counter[str] = Counter()

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """Let the call pass, unless a fault hits it."""
        if not self.faults:
            return await proceed(call)
        sighting = self._sight(call)
        if sighting.process is not None and sighting.process.doomed:
            sighting.process.crash()
            raise ConnectionBroken
        return await self._pass(self.faults, sighting, proceed)

    async def _pass(
        self, faults: Sequence[tuple[int, CallFault, Chance]], sighting: Sighting, proceed: Proceed
    ) -> Reply:
        """Let the call through these faults, one after the other."""
        if not faults:
            return await proceed(sighting.call)
        (number, fault, chance), *others = faults

        async def go_on(call: Call) -> Reply:
            return await self._pass(others, dataclasses.replace(sighting, call=call), proceed)

        if not matches(fault, sighting):
            return await go_on(sighting.call)
        if isinstance(fault, Error) and fault.entries:
            return await self._fail_entries(number, fault, chance, sighting, go_on)
        if isinstance(fault, ProcessKilled) and not sighting.request_id:
            return await go_on(sighting.call)
        if not chance.strikes(sighting.about):
            return await go_on(sighting.call)
        self._strike(number, fault, sighting)
        return await self._hit(fault, sighting, go_on)

    async def _hit(self, fault: CallFault, sighting: Sighting, go_on: Proceed) -> Reply:
        call, process = sighting.call, sighting.process
        match fault:
            case Error():
                return SERVICES[call.service].reply(_refusal(fault, call.service))
            case Latency():
                # In flight meanwhile, so that no clock jumps over it.
                await self._clock.wait_until(
                    self._clock.now_ms() + fault.milliseconds, name=f"latency of {call.activity}"
                )
                return await go_on(call)
            case ResponseLost():
                await go_on(call)
                raise ConnectionBroken
            case ProcessKilled() if process is not None:
                return await _kill(fault, process, call, go_on)
        raise AssertionError(f"no fault of a call: {fault}")

    async def _fail_entries(
        self, number: int, fault: Error, chance: Chance, sighting: Sighting, go_on: Proceed
    ) -> Reply:
        """Refuse single entries of a batch call; the others take effect."""
        call = sighting.call
        batch, parameters = BATCHES[call.operation], call.parameters()
        failed = [
            place
            for place, entry in enumerate(batch.entries(parameters))
            if (fault.matching is None or fault.matching in json.dumps(entry)) and chance.strikes(sighting.about)
        ]
        if not failed:
            return await go_on(call)
        for _ in failed:
            self._strike(number, fault, sighting)
        rest = batch.without(parameters, failed)
        reply = Reply(status=200, headers={"content-type": call.request.headers["content-type"]}, body=b"{}")
        if rest is not None:
            body = json.dumps(rest).encode()
            headers = {**call.request.headers, "content-length": str(len(body))}
            request = dataclasses.replace(call.request, body=body, headers=headers)
            reply = await go_on(dataclasses.replace(call, request=request))
            if reply.status != 200:
                return reply
        answer = batch.answered(parameters, failed, json.loads(reply.body), _refusal(fault, call.service))
        kept = {name: value for name, value in reply.headers.items() if name.lower() not in _OF_THE_BODY}
        return Reply(status=200, headers=kept, body=json.dumps(answer).encode())

    def _sight(self, call: Call) -> Sighting:
        process = self._process_of(call.caller.session) if call.caller.session else None
        request_id = process.request_id if process is not None else ""
        if request_id:
            self._places[request_id] += 1
        return Sighting(
            call=call,
            process=process,
            request_id=request_id,
            place=self._places[request_id] if request_id else 0,
            text=call.text(),
            item_keys=tuple(item_keys(call, self._key_names)),
        )

    def _strike(self, number: int, fault: CallFault, sighting: Sighting) -> None:
        self._log(
            Strike(
                kind=fault.kind,
                fault=number,
                at_ms=self._clock.now_ms(),
                victim=sighting.call.caller.name,
                service=sighting.call.service,
                operation=sighting.call.operation,
                moment=fault.moment if isinstance(fault, ProcessKilled) else "",
                request_id=sighting.request_id,
                item_keys=sighting.item_keys,
                text=sighting.text,
                batch=sighting.process.event if isinstance(fault, ProcessKilled) and sighting.process else "",
            )
        )


_OF_THE_BODY = frozenset({"content-length", "x-amz-crc32"})


def matches(fault: CallFault, sighting: Sighting) -> bool:
    """Whether a call is one of those that a fault speaks of."""
    call = sighting.call
    return (
        call.service in SERVICES
        and fault.service in (None, call.service)
        and fault.operation in (None, call.operation)
        and fault.caller in (None, call.caller.name)
        and fault.call in (None, sighting.place)
        and (fault.matching is None or fault.matching in sighting.text)
    )


async def _kill(fault: ProcessKilled, process: Process, call: Call, go_on: Proceed) -> Reply:
    if fault.moment == "before":
        process.crash()
        raise ConnectionBroken
    reply = await go_on(call)
    if fault.moment == "during":
        process.crash()
        raise ConnectionBroken
    process.doom()
    return reply


def _refusal(fault: Error, service: str) -> Refusal:
    return refusal_of(
        service,
        throttle=isinstance(fault, Throttle),
        code=fault.code,
        message=fault.message,
        status=fault.status,
    )


def item_keys(call: Call, key_names: KeyNames) -> Iterator[str]:
    """The DynamoDB items that a call names by their keys, as ``<table>/<name>=<value>``; none for statements."""
    if call.service != "dynamodb":
        return
    for action in named_by(call.operation, call.parameters()):
        yield from _key_text(action.table, action.key, key_names)


def _key_text(table: str, item: Mapping[str, Any], key_names: KeyNames) -> Iterator[str]:
    if table in key_names:
        named = {name: item[name] for name in key_names[table] if name in item}
        yield f"{table}/{','.join(f'{name}={next(iter(value.values()))}' for name, value in named.items())}"
