"""The words of a story: one line for each kind of step, in AWS's terms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote

from penstock.story.facts import (
    CallAnswered,
    EventDelivered,
    EventHandedOn,
    EventPublished,
    FailureDelivered,
    InvocationEnded,
    MappingDefined,
    MessageSent,
    RunBegan,
)
from penstock.story.findings import Findings, Record
from penstock.story.naming import object_of
from penstock.story.reasons import Attempt, Outcome, outcome

SHOWN_KEYS = 5
SHOWN_STATEMENT = 60
_TARGETS = re.compile(
    r'"?(?:QueueUrl|TopicArn|TargetArn|StateMachineArn|stateMachineArn|FunctionName|EventBusName)"?(?:: ?"|=)([^"&]+)'
)
"""What a call that names no table is made to: in JSON, or in a form."""
_FUNCTION = re.compile(r"/[\d-]+/functions/(?:[^/?]*:function:)?([^:/?]+)")
"""The function of a path, without qualifier."""
_SERVICES = {"sqs": "queue", "sns": "topic", "states": "state machine", "lambda": "function"}
_OUTCOMES = {"reported": "reported as a batch item failure", "rewound": "behind a batch item failure, to come again"}
_REPEATED_ID = re.compile(r"RequestId: \S+ (?:Error: )?")


def counted(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Wording:
    """Words the steps of one run, whose names are what people call its resources."""

    def __init__(self, run: RunBegan | None) -> None:
        self._names: Mapping[str, str] = run.names if run is not None else {}
        self._keys: Mapping[str, str] = run.keys if run is not None else {}

    def name(self, text: str) -> str:
        """What people call a resource of this ARN, URL, physical name or logical id."""
        last = re.split(r"[:/]", text)[-1]
        return self._names.get(text) or self._names.get(last) or last

    def record(self, told: Record, *, brief: bool = False) -> str:
        """A stream record: its change, its item, its id; unless ``brief`` its writer and its place."""
        written = told.written
        line = f"{told.body['eventName']} {self.name(written.table)} {told.key_text}, eventID {told.event_id}"
        if brief:
            return line
        by = f"by {self.name(written.caller)} {written.operation}" if written.caller else "by no call known here"
        if "userIdentity" in told.body:
            by = "by time to live"
        by += f", request {written.request_id}" if written.request_id else ""
        return f"{line}, {by}; {written.shard_id}, sequence number {told.sequence_number}"

    def reading(self, mapping: MappingDefined, how: str) -> str:
        """What a mapping's filters say."""
        return f"{self.name(mapping.mapping)} → {mapping.function}: {how}"

    def attempt(self, told: Attempt, number: int, why: str, how: Outcome) -> str:
        """An attempt of a mapping."""
        size = f", batch of {len(told.items)}" if told.items else ""
        return f"attempt {number} ({why}){size}: {ended(told.ended, how)}; request {told.request_id}"

    def invocation(self, told: Attempt, number: int, why: str) -> str:
        """An invocation that no mapping made, one attempt of perhaps several."""
        again = f", attempt {number} ({why})" if number > 1 else ""
        return f"invocation of {told.function}{again}: {ended(told.ended, outcome(told))}; request {told.request_id}"

    def call(self, told: CallAnswered, *, root: bool = False) -> str:
        """An AWS call: what, to what, how it ended; one that a story begins with tells by whom."""
        line = f"{told.service}:{told.operation} {self._target(told)}".rstrip()
        if told.error:
            line += f": {told.error}"
        elif not told.status:
            line += ": connection broken"
        by = f", by {self.name(told.caller)}" if root else ""
        return line + _struck(told.faults) + by

    def _target(self, told: CallAnswered) -> str:
        """What a call was made to: the item, the object, the topic; empty where its request does not tell."""
        if told.request.startswith("/"):
            return self._at_path(told)
        try:
            parameters: Any = json.loads(told.request)
        except ValueError:
            parameters = {}
        if told.service == "dynamodb" and isinstance(parameters, dict):
            return self._items(parameters)
        named = _TARGETS.search(told.request)
        if named is not None:
            return self.name(named[1])
        return ""

    def _at_path(self, told: CallAnswered) -> str:
        """The object, the bucket or the function that the path of a request names."""
        bucket, key = object_of(told)
        if bucket:
            return "/".join(filter(None, (self.name(bucket), key)))
        function = _FUNCTION.match(unquote(told.request))
        return function[1] if function is not None else ""

    def _items(self, parameters: Mapping[str, Any]) -> str:
        if "Statements" in parameters or "TransactStatements" in parameters or "TransactItems" in parameters:
            return counted(sum(len(part) for part in parameters.values() if isinstance(part, list)), "item")
        if "Statement" in parameters:
            return str(parameters["Statement"])[:SHOWN_STATEMENT]
        if "RequestItems" in parameters:
            return ", ".join(self.name(table) for table in parameters["RequestItems"])
        table = str(parameters.get("TableName", ""))
        item = parameters.get("Key") or parameters.get("Item") or {}
        named = (name for name in self._keys.get(table, "").split("/") if name in item)
        key = "/".join(f"{name}={next(iter(item[name].values()))}" for name in named)
        return f"{self.name(table)} {key}".rstrip()

    def event(self, told: EventPublished) -> str:
        """A bus event."""
        return f"event {told.detail_type} {told.event_id} on {self.name(told.bus)}, by {self.name(told.caller)}"

    def delivery(self, told: EventDelivered) -> str:
        """What a rule did with an event."""
        service = told.target.split(":")[2]
        what = "dead-letter queue" if told.dead_letters else _SERVICES.get(service, service)
        error = f": {told.error}" if told.error else ""
        return f"rule {self.name(told.rule)} → {what} {self.name(told.target)}{error}"

    def message(self, told: MessageSent) -> str:
        """A message in a queue, where it was sent or where a redrive moved it."""
        queue = self.name(told.queue)
        if told.receives:
            receives = counted(told.receives, "receive")
            return f"message {told.message_id} moved to dead-letter queue {queue} after {receives}"
        return f"message {told.message_id} in queue {queue}"

    def failure(self, told: FailureDelivered) -> str:
        """An on-failure delivery."""
        how = f", which refused: {told.error}" if told.error else ""
        records = counted(told.records, "record")
        where = self.name(told.destination)
        return f"{told.condition}: {records} → on-failure destination {where}{how}{_struck(told.faults)}"

    def handed_on(self, told: EventHandedOn) -> str:
        """What became of an event of an asynchronous invocation in the end."""
        how = f", which refused: {told.error}" if told.error else ""
        where = self.name(told.destination)
        return f"{told.condition}: event of {told.function} → {where}{how}{_struck(told.faults)}"


def nothing_found(subject: str, findings: Findings) -> str:
    """That nothing has this name, and what there is instead."""
    keys = dict.fromkeys("/".join(record.key_values) for record in findings.records.values())
    where = f"the run of {findings.run.path}" if findings.run is not None else "this journal"
    if not keys:
        return f"nothing is known of {subject!r}: {where} has seen no stream record so far; write an item first"
    shown = ", ".join(islice(keys, SHOWN_KEYS)) + (", …" if len(keys) > SHOWN_KEYS else "")
    event_id = next(iter(findings.records))
    return (
        f"nothing is known of {subject!r} in {where}; give one of its {counted(len(keys), 'key')} ({shown}), "
        f"an eventID like {event_id}, or the id of a bus event or a message"
    )


def ended(told: InvocationEnded | None, how: Outcome, counts: str = "") -> str:
    """How an invocation ended for a record, or for how many each, and what it took."""
    if told is None:
        return "in flight"
    error = f", {_REPEATED_ID.sub('', told.error)}" if told.error else ""
    if how in ("throttled", "too large"):
        return f"{how}{error}"
    cold = f", cold start {told.init_duration_ms:.0f} ms" if told.init_duration_ms is not None else ""
    return f"{counts or _OUTCOMES.get(how, how)}{error} ({told.duration_ms:.0f} ms{cold})"


def _struck(faults: tuple[str, ...]) -> str:
    return f" (fault {', '.join(dict.fromkeys(faults))})" if faults else ""
