"""The event bus: PutEvents comes in at the front door, rules match, targets get their events.

Deliveries are asynchronous, each with its target's retry policy on the application's clock and its dead-letter
queue at the end. A target is a queue, a topic, a state machine or a function; others are refused by name when
the bus is made.

Source: Amazon EventBridge user guide (event structure, retry policy, dead-letter queues), PutEvents in the
API reference. Entries for a bus that is not there are taken and dropped, as LocalStack saw AWS do. Our choice:
waits between retries double from one second to five minutes; a dead letter has the documented error code that fits;
an entry's TraceHeader is taken and leads nowhere, since there is no tracing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from penstock.cloud.clock import Clock
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.doings import doing
from penstock.cloud.engine import EngineError, Reply
from penstock.cloud.front_door import Call
from penstock.cloud.rule_inputs import INVALID_JSON, payload_of
from penstock.errors import TemplateError
from penstock.mapping.filters import compile_filters
from penstock.story.facts import EventDelivered, Fact, ignore
from penstock.template.models import EventBus, Rule, RuleTarget

ACTIVITY = "event delivery"
MAX_ENTRIES = 10
MAX_REQUEST_BYTES = 1_048_576
"""The largest sum of a call's entries (*PutEvents*, API reference: 1 MB, since January 2026)."""

FIRST_WAIT_MS, LONGEST_WAIT_MS = 1_000, 300_000

Deliver = Callable[[Rule, RuleTarget, str], Awaitable[None]]
"""Hand a target of a rule its payload (text); raises `EngineError` when the target does not take it."""

Bury = Callable[[str, str, Mapping[str, str]], Awaitable[None]]
"""Send a payload to a dead-letter queue (ARN) with text attributes; raises `EngineError`."""

DelaysMs = Callable[[Rule, Mapping[str, Any]], Sequence[int]]
"""How late a rule delivers an event, once for each delivery: in order and once is ``(0,)``."""


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
    """An event that a target never took and that went to no dead-letter queue, or that was sent to no bus.

    ``rule`` and ``target`` are empty in the latter case.
    """

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
        delays_ms: DelaysMs = lambda *_: (0,),
        metrics: Metrics | None = None,
        on_published: Callable[[PublishedEvent, str], None] = lambda *_: None,
        tell: Callable[[Fact], None] = ignore,
    ) -> None:
        """``deliver``: service in the target's ARN (``sqs``, ``states``, …) → how to hand it an event.

        ``on_published`` is told of each event with its detail as it came, ``tell`` of each delivery.
        """
        self._account_id = account_id
        self._region = region
        self._clock = clock
        self._metrics = metrics or Metrics(now_ms=clock.now_ms)
        self._new_id = new_id
        self._deliver = deliver
        self._to_dead_letters = bury
        self._delays_ms = delays_ms
        self._on_published = on_published
        self._tell = tell
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
        return None

    def _put(self, entry: Mapping[str, Any], caller: str) -> dict[str, Any]:
        for name in ("Source", "DetailType", "Detail"):
            if not entry.get(name):
                return {
                    "ErrorCode": "InvalidArgument",
                    "ErrorMessage": f"Parameter {name} is not valid. Reason: {name} is a required argument.",
                }
        if entry["Source"].startswith("aws."):
            return {
                "ErrorCode": "NotAuthorizedForSourceException",
                "ErrorMessage": "Not authorized for the source.",
            }
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        return {"EventId": self._publish(entry, detail, caller)}

    def emit(self, entry: Mapping[str, Any], caller: str) -> None:
        """Publish an entry of a service's own, in the form of PutEvents; its source may be one of AWS."""
        self._publish(entry, json.loads(entry["Detail"]), caller)

    def _publish(self, entry: Mapping[str, Any], detail: dict[str, Any], caller: str) -> str:
        """Put an entry on its bus, if that is there, and give the event's id."""
        now_ms = self._clock.now_ms()
        event = {
            "version": "0",
            "id": self._new_id(),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": self._account_id,
            "time": _iso(entry.get("Time") or now_ms / 1000),
            "region": self._region,
            "resources": list(entry.get("Resources", ())),
            "detail": detail,
        }
        bus_name = _bus_name(entry)
        if bus_name not in self._arns:
            reason = f"there is no event bus {bus_name}"
            self.undelivered.append(UndeliveredEvent(rule="", target="", payload=json.dumps(event), reason=reason))
            return str(event["id"])
        published = PublishedEvent(
            event_id=str(event["id"]),
            bus_name=bus_name,
            source=entry["Source"],
            detail_type=entry["DetailType"],
            detail=detail,
            at_ms=now_ms,
            caller=caller,
        )
        self.published.append(published)
        self._on_published(published, entry["Detail"])
        self.route(bus_name, event)
        return published.event_id

    def route(self, bus_name: str, event: Mapping[str, Any]) -> None:
        """Send an event to the targets of every rule of the bus that matches it."""
        for rule, matches in self._rules:
            if rule.event_bus_name == bus_name and matches(event):
                self._count("MatchedEvents", rule)
                self._count("TriggeredRules", rule)
                for delay_ms in self._delays_ms(rule, event):
                    for target in rule.targets:
                        task = asyncio.get_running_loop().create_task(self._send(rule, target, event, delay_ms))
                        self._clock.begin(ACTIVITY)
                        self._deliveries.add(task)
                        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._deliveries.discard(task)
        self._clock.end(ACTIVITY)
        if not task.cancelled():
            task.result()

    async def _send(self, rule: Rule, target: RuleTarget, event: Mapping[str, Any], delay_ms: int) -> None:
        arrived_ms = self._clock.now_ms()
        if delay_ms:
            late_ms = arrived_ms + delay_ms
            await self._clock.wait_until(late_ms, name=f"late event of {rule.name}", activity=ACTIVITY)
        deadline_ms = arrived_ms + target.maximum_event_age_in_seconds * 1000
        wait_ms, retries = FIRST_WAIT_MS, 0
        while True:
            self._count("InvocationAttempts", rule)
            try:
                payload = payload_of(target, rule, event, ingested_at=_iso(arrived_ms / 1000))
                with doing(caller=rule.logical_id) as what:
                    await self._deliver[_service(target)](rule, target, payload)
            except EngineError as error:
                self._told(rule, event, target.arn, error=str(error))
                retry_at_ms = self._clock.now_ms() + wait_ms
                exhausted = _exhausted(target, retries=retries, too_old=retry_at_ms > deadline_ms)
                if exhausted or error_code(error) not in RETRIED:
                    self._count("Invocations", rule)
                    self._count("FailedInvocations", rule)
                    await self._bury(rule, target, event, error, retries=retries, exhausted=exhausted)
                    return
                self._count("RetryInvocationAttempts", rule)
                await self._clock.wait_until(retry_at_ms, name=f"retry of {rule.name}", activity=ACTIVITY)
                wait_ms, retries = min(2 * wait_ms, LONGEST_WAIT_MS), retries + 1
            else:
                self._told(rule, event, target.arn, made=what.made)
                self._count("SuccessfulInvocationAttempts", rule)
                self._count("Invocations", rule)
                return

    def _told(
        self,
        rule: Rule,
        event: Mapping[str, Any],
        target_arn: str,
        *,
        error: str = "",
        made: Sequence[str] = (),
        dead_letters: bool = False,
    ) -> None:
        self._tell(
            EventDelivered(
                at_ms=self._clock.now_ms(),
                event_id=event["id"],
                rule=rule.logical_id,
                target=target_arn,
                error=error,
                made=tuple(made),
                dead_letters=dead_letters,
            )
        )

    def _count(self, metric: str, rule: Rule) -> None:
        """Add one to a metric of a rule (*Monitoring Amazon EventBridge*: the default bus goes without its name)."""
        bus = {"EventBusName": rule.event_bus_name} if rule.event_bus_name != "default" else {}
        self._metrics.add("AWS/Events", metric, 1, {"RuleName": rule.name, **bus})

    async def _bury(
        self,
        rule: Rule,
        target: RuleTarget,
        event: Mapping[str, Any],
        error: EngineError,
        *,
        retries: int,
        exhausted: str | None,
    ) -> None:
        """The target's dead-letter queue gets the event as it came, with the reason in its message attributes."""
        payload = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        if target.dead_letter_arn is not None:
            attributes = {
                "RULE_ARN": rule.arn,
                "TARGET_ARN": target.arn,
                "ERROR_CODE": error_code(error),
                "ERROR_MESSAGE": error.message or error.code,
                "RETRY_ATTEMPTS": str(retries),
            }
            if exhausted and error_code(error) in RETRIED:
                attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
            arn = target.dead_letter_arn
            try:
                with doing(caller=rule.logical_id) as what:
                    await self._to_dead_letters(arn, payload, attributes)
            except EngineError as failure:
                self._told(rule, event, arn, error=str(failure), dead_letters=True)
                self._count("InvocationsFailedToBeSentToDlq", rule)
                error = failure
            else:
                self._told(rule, event, arn, made=what.made, dead_letters=True)
                self._count("InvocationsSentToDlq", rule)
                return
        self.undelivered.append(UndeliveredEvent(rule=rule.name, target=target.arn, payload=payload, reason=str(error)))

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._deliveries:
            task.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)


RETRIED = frozenset({"THROTTLING", "ERROR_FROM_TARGET"})
"""What may pass: the service was busy, or failed itself. Everything else goes to the dead-letter queue at once."""

_CODES = (
    (INVALID_JSON, INVALID_JSON),
    ("AccessDenied", "NO_PERMISSIONS"),
    ("AuthorizationError", "NO_PERMISSIONS"),
    ("NotFound", "NO_RESOURCE"),
    ("DoesNotExist", "NO_RESOURCE"),
    ("NonExistent", "NO_RESOURCE"),
    ("Throttl", "THROTTLING"),
    ("TooManyRequests", "THROTTLING"),
    ("Internal", "ERROR_FROM_TARGET"),
    ("ServiceUnavailable", "ERROR_FROM_TARGET"),
)


def error_code(error: EngineError) -> str:
    """The documented error code of a dead letter for what a target's service answered."""
    return next((code for part, code in _CODES if part in error.code), "SDK_CLIENT_ERROR")


def _exhausted(target: RuleTarget, *, retries: int, too_old: bool) -> str | None:
    """The condition of a target's retry policy that another retry would break."""
    if retries >= target.maximum_retry_attempts:
        return "MaximumRetryAttempts"
    return "MaximumEventAgeInSeconds" if too_old else None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
