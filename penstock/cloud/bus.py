"""The event bus: PutEvents comes in at the front door, rules match, targets get their events.

Deliveries are asynchronous, each with its target's retry policy on the application's clock and its dead-letter
queue at the end. A target is a queue, a topic, a state machine or a function; others are refused by name when
the bus is made.

Source: Amazon EventBridge user guide (event structure, retry policy, dead-letter queues), PutEvents in the
API reference. Our choice: waits between retries double from one second to five minutes.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from penstock.cloud.clock import Clock
from penstock.cloud.engine import EngineError, Reply
from penstock.cloud.front_door import Call
from penstock.errors import TemplateError
from penstock.mapping.filters import compile_filters
from penstock.template.models import EventBus, Rule, RuleTarget

ACTIVITY = "event delivery"
MAX_ENTRIES = 10
MAX_REQUEST_BYTES = 262_144
FIRST_WAIT_MS, LONGEST_WAIT_MS = 1_000, 300_000

Deliver = Callable[[Rule, RuleTarget, str], Awaitable[None]]
"""Hand a target of a rule its payload (text); raises `EngineError` when the target does not take it."""

Bury = Callable[[str, str, Mapping[str, str]], Awaitable[None]]
"""Send a payload to a dead-letter queue (ARN) with text attributes; raises `EngineError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEvent:
    """An entry of a PutEvents call as it passed; ``event_id`` is the envelope's, new at each publish."""

    event_id: str
    bus_name: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]
    at_ms: int
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeliveredEvent:
    """An event that a target never took and that went to no dead-letter queue either."""

    rule: str
    target: str
    payload: str
    reason: str


class Bus:
    """All event buses of one running application."""

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        buses: Sequence[EventBus],
        rules: Sequence[Rule],
        clock: Clock,
        new_id: Callable[[], str],
        deliver: Mapping[str, Deliver],
        bury: Bury,
    ) -> None:
        """``deliver``: service in the target's ARN (``sqs``, ``states``, …) → how to hand it an event."""
        self._account_id = account_id
        self._region = region
        self._clock = clock
        self._new_id = new_id
        self._deliver = deliver
        self._to_dead_letters = bury
        self._arns = {bus.name: bus.arn for bus in buses}
        self._arns.setdefault("default", f"arn:aws:events:{region}:{account_id}:event-bus/default")
        self._rules = [
            (rule, compile_filters([json.dumps(rule.event_pattern)], source="event-bus"))
            for rule in rules
            if rule.enabled and rule.event_pattern is not None
        ]
        for rule, _ in self._rules:
            for target in rule.targets:
                if _service(target) not in deliver:
                    raise TemplateError(
                        f"target {target.arn} cannot be reached here",
                        logical_id=rule.logical_id,
                        property_path="Targets",
                        remedy=f"use a target of {', '.join(sorted(deliver))}",
                    )
        self._deliveries: set[asyncio.Task[None]] = set()
        self.published: list[PublishedEvent] = []
        self.undelivered: list[UndeliveredEvent] = []

    async def put_events(self, call: Call) -> Reply:
        """Answer PutEvents: each entry is taken or refused on its own."""
        entries = call.parameters().get("Entries") or []
        refusal = self._refusal(entries)
        if refusal is not None:
            return refusal
        results = [self._put(entry, call.caller.name) for entry in entries]
        answer = {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}
        return _reply(200, answer)

    def _refusal(self, entries: Sequence[Mapping[str, Any]]) -> Reply | None:
        if not 1 <= len(entries) <= MAX_ENTRIES:
            return _reply(
                400,
                {
                    "__type": "ValidationException",
                    "message": "1 validation error detected: Value at 'entries' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {MAX_ENTRIES} and greater than or equal to 1",
                },
            )
        if sum(map(_entry_bytes, entries)) > MAX_REQUEST_BYTES:
            return _reply(
                400,
                {
                    "__type": "ValidationException",
                    "message": "Total size of the entries in the request is over the limit.",
                },
            )
        for entry in entries:
            name = _bus_name(entry)
            if name not in self._arns:
                return _reply(
                    400, {"__type": "ResourceNotFoundException", "message": f"Event bus {name} does not exist."}
                )
        return None

    def _put(self, entry: Mapping[str, Any], caller: str) -> dict[str, Any]:
        for name in ("Source", "DetailType", "Detail"):
            if not entry.get(name):
                return {
                    "ErrorCode": "InvalidArgument",
                    "ErrorMessage": f"Parameter {name} is not valid. Reason: {name} is a required argument.",
                }
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        now_ms = self._clock.now_ms()
        instant = datetime.fromtimestamp(entry.get("Time") or now_ms / 1000, UTC)
        event = {
            "version": "0",
            "id": self._new_id(),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": self._account_id,
            "time": instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._region,
            "resources": list(entry.get("Resources", ())),
            "detail": detail,
        }
        bus_name = _bus_name(entry)
        self.published.append(
            PublishedEvent(
                event_id=event["id"],
                bus_name=bus_name,
                source=entry["Source"],
                detail_type=entry["DetailType"],
                detail=detail,
                at_ms=now_ms,
                caller=caller,
            )
        )
        self.route(bus_name, event)
        return {"EventId": event["id"]}

    def route(self, bus_name: str, event: Mapping[str, Any]) -> None:
        """Send an event to the targets of every rule of the bus that matches it."""
        for rule, matches in self._rules:
            if rule.event_bus_name == bus_name and matches(event):
                for target in rule.targets:
                    task = asyncio.get_running_loop().create_task(self._send(rule, target, event))
                    self._clock.begin(ACTIVITY)
                    self._deliveries.add(task)
                    task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._deliveries.discard(task)
        self._clock.end(ACTIVITY)
        if not task.cancelled():
            task.result()

    async def _send(self, rule: Rule, target: RuleTarget, event: Mapping[str, Any]) -> None:
        payload = payload_of(target, rule, event)
        deadline_ms = self._clock.now_ms() + target.maximum_event_age_in_seconds * 1000
        wait_ms, attempts = FIRST_WAIT_MS, 0
        while True:
            attempts += 1
            try:
                await self._deliver[_service(target)](rule, target, payload)
            except EngineError as error:
                retry_at_ms = self._clock.now_ms() + wait_ms
                if error.code in _HOPELESS or attempts > target.maximum_retry_attempts or retry_at_ms > deadline_ms:
                    await self._bury(rule, target, payload, error, attempts)
                    return
                await self._clock.wait_until(retry_at_ms, name=f"retry of {rule.name}", activity=ACTIVITY)
                wait_ms = min(2 * wait_ms, LONGEST_WAIT_MS)
            else:
                return

    async def _bury(self, rule: Rule, target: RuleTarget, payload: str, error: EngineError, attempts: int) -> None:
        """The target's dead-letter queue gets the event with the reason in its message attributes."""
        if target.dead_letter_arn is not None:
            attributes = {
                "RULE_ARN": rule.arn,
                "TARGET_ARN": target.arn,
                "ERROR_CODE": error.code,
                "ERROR_MESSAGE": error.message,
                "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
                "RETRY_ATTEMPTS": str(attempts - 1),
            }
            try:
                await self._to_dead_letters(target.dead_letter_arn, payload, attributes)
            except EngineError as failure:
                error = failure
            else:
                return
        self.undelivered.append(UndeliveredEvent(rule=rule.name, target=target.arn, payload=payload, reason=str(error)))

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._deliveries:
            task.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)


_HOPELESS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "NotFound",
    }
)


def payload_of(target: RuleTarget, rule: Rule, event: Mapping[str, Any]) -> str:
    """What a target gets: the event, a part of it, a constant, or a text made from parts of it."""
    if target.input is not None:
        return target.input
    if target.input_path is not None:
        return json.dumps(at_path(event, target.input_path))
    if target.input_transformer is not None:
        return transformed(target.input_transformer, rule, event)
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def at_path(event: Mapping[str, Any], path: str) -> Any:
    """The value at a path (``$.detail.orderId``, ``$.resources[0]``), or ``None`` when there is none."""
    value: Any = event
    for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path):
        if name and isinstance(value, Mapping):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value


def transformed(transformer: Mapping[str, Any], rule: Rule, event: Mapping[str, Any]) -> str:
    """Fill the InputTemplate: inside quotes a value appears as bare text, elsewhere as JSON."""
    values = {name: at_path(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values |= {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": event["time"],
    }
    template = str(transformer["InputTemplate"])

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1])
        quoted = template.count('"', 0, match.start()) % 2 == 1
        if quoted:
            return value if isinstance(value, str) else json.dumps(value).replace('"', '\\"')
        return json.dumps(value)

    return re.sub(r"<([A-Za-z0-9._-]+)>", fill, template)


def _service(target: RuleTarget) -> str:
    return target.arn.split(":")[2]


def _bus_name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("EventBusName") or "default").rpartition("/")[2]


def _entry_bytes(entry: Mapping[str, Any]) -> int:
    """Size of an entry as the service counts it (PutEvents event entry size)."""
    size = 14 if entry.get("Time") is not None else 0
    texts = [entry.get(name) or "" for name in ("Source", "DetailType", "Detail")]
    return size + sum(len(text.encode()) for text in [*texts, *entry.get("Resources", ())])


def _reply(status: int, answer: Mapping[str, Any]) -> Reply:
    headers = {"content-type": "application/x-amz-json-1.1"}
    return Reply(status=status, headers=headers, body=json.dumps(answer).encode())
