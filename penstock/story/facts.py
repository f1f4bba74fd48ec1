"""Facts: what happened to records, messages and events, in the past tense, one for each call, batch or delivery.

A fact is told once, as it happens, by whoever did it. Its fields are texts, numbers, tuples and mappings of texts, so
that it is one line of JSON and back. ``at_ms`` is on the application's clock. Names are those of the template: a
function by its label, a mapping, a state machine or a rule by its logical id, a table, a queue or a bus by its physical
name. ``request_id`` is the invocation's, empty outside of one; a stream's batch keeps it when it is repeated. Texts of
calls are cut at `TEXT_CHARACTERS`, records and messages are whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, get_args

TEXT_CHARACTERS: Final = 8_000
"""How much of a call's request is kept; our choice: the keys of a batch of 25 items are found in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegan:
    """A run began; ``path`` is what it runs, ``clock`` is ``wall`` or ``jumping``.

    ``names`` is physical name or logical id → what people call a resource; ``keys`` is table → the names of its key's
    attributes, ``partition`` or ``partition/sort``.
    """

    at_ms: int
    version: str
    path: str
    stacks: tuple[str, ...]
    seed: int
    clock: str
    names: Mapping[str, str]
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingDefined:
    """The template has this event source mapping; ``filters`` are its patterns, empty without any."""

    at_ms: int
    mapping: str
    function: str
    source_arn: str
    filters: tuple[str, ...]
    reports_batch_item_failures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsWritten:
    """One call changed items of one table; ``records`` are the stream records, as JSON texts.

    ``caller`` and ``operation`` (``dynamodb:PutItem``) are empty where no call is known: time to live, tables at
    another endpoint.
    """

    at_ms: int
    table: str
    shard_id: str
    caller: str
    operation: str
    request_id: str
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """An AWS call of a function or a state machine was answered, refused, or broke off (``status`` 0).

    ``at_ms`` is when it came. ``request`` is its text. ``error`` is the service's code, empty where there is none.
    ``faults`` are those that the fault script had in store for it (``process-killed during``). ``made`` names what came
    of it: ``eventID`` of stream records, ids of messages and bus events, request ids of asynchronous invocations.
    """

    at_ms: int
    caller: str
    request_id: str
    service: str
    operation: str
    request: str
    status: int
    error: str
    faults: tuple[str, ...]
    made: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPublished:
    """An entry of PutEvents was taken; ``event_id`` is the envelope's, ``detail`` JSON text."""

    at_ms: int
    event_id: str
    bus: str
    detail_type: str
    caller: str
    request_id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDelivered:
    """A rule handed an event to a target (ARN), or did not (``error``).

    ``made`` names the messages, the execution or the invocation that came of it. ``dead_letters`` says that the target
    is the dead-letter queue, since the one that was meant did not take it.
    """

    at_ms: int
    event_id: str
    rule: str
    target: str
    error: str
    made: tuple[str, ...]
    dead_letters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent:
    """A message came into a queue, by a call or a service (``sender``), or by a redrive after so many ``receives``."""

    at_ms: int
    queue: str
    message_id: str
    sender: str
    request_id: str
    body: str
    receives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInvoked:
    """A mapping invoked its function with a batch.

    ``items`` are the item identifiers, in order: sequence numbers of a shard, message ids of a queue (``shard_id``
    empty). ``again`` says that the fault script delivered the batch a second time. ``window`` is the beginning of its
    tumbling window; ``purpose`` is ``final`` or ``early`` for a call of the window without records.
    """

    at_ms: int
    mapping: str
    function: str
    request_id: str
    shard_id: str
    items: tuple[str, ...]
    again: bool = False
    window: str = ""
    purpose: str = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationEnded:
    """An invocation ended: it ``returned``, ``failed``, or did not run, being ``throttled`` or ``too large``.

    ``error`` is ``<errorType>: <errorMessage>`` or the reason, ``answer`` what the function returned, as JSON text
    (its first 500 characters unless it names batch item failures). Durations are wall time; ``init_duration_ms`` is
    ``None`` without a cold start. ``units`` are the capacity units that it consumed.
    """

    at_ms: int
    started_at_ms: int
    function: str
    request_id: str
    result: str
    error: str
    answer: str
    duration_ms: float
    init_duration_ms: float | None
    environment_id: str
    read_units: float
    write_units: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    """Everything in the shard up to this sequence number is finished for the mapping."""

    at_ms: int
    mapping: str
    shard_id: str
    sequence_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesDeleted:
    """A mapping deleted messages from its queue: they are done, or pass no filter."""

    at_ms: int
    mapping: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureDelivered:
    """A mapping discarded records and told its on-failure destination (ARN), which took it or did not (``error``).

    ``batch_request_id`` is the batch's; ``first`` and ``last`` are sequence numbers, empty for the final call of a
    window. ``made`` names the messages that came of it.
    """

    at_ms: int
    mapping: str
    shard_id: str
    destination: str
    condition: str
    batch_request_id: str
    first: str
    last: str
    records: int
    error: str
    faults: tuple[str, ...]
    made: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHandedOn:
    """An event of an asynchronous invocation was over, and a destination or the dead-letter queue (ARN) told or not.

    ``condition`` is ``Success``, ``RetriesExhausted`` or ``EventAgeExceeded``. ``made`` names the messages, bus events
    and invocations that came of it.
    """

    at_ms: int
    function: str
    request_id: str
    condition: str
    destination: str
    error: str
    faults: tuple[str, ...]
    made: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStruck:
    """A fault struck an invocation, a batch or an event; those of calls and deliveries are told with them.

    ``victim`` is the function or the rule, ``text`` what was under way.
    """

    at_ms: int
    kind: str
    victim: str
    request_id: str
    text: str


Fact = (
    RunBegan
    | MappingDefined
    | RecordsWritten
    | CallAnswered
    | EventPublished
    | EventDelivered
    | MessageSent
    | BatchInvoked
    | InvocationEnded
    | CheckpointSaved
    | MessagesDeleted
    | FailureDelivered
    | EventHandedOn
    | FaultStruck
)

KINDS: Final[dict[str, type[Fact]]] = {kind.__name__: kind for kind in get_args(Fact)}
_FIELDS: Final = {kind: tuple(field.name for field in fields(kind)) for kind in KINDS.values()}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)


def ignore(_: Fact) -> None:
    """Tell nobody."""


def encode(fact: Fact) -> str:
    """A fact as one line of JSON, without its end; the texts of stream records stand in it as they are."""
    kind = type(fact)
    if isinstance(fact, RecordsWritten):
        rest = {name: getattr(fact, name) for name in _FIELDS[kind] if name != "records"}
        return f'{_ENCODER.encode({"fact": kind.__name__, **rest})[:-1]},"records":[{",".join(fact.records)}]}}'
    return _ENCODER.encode({"fact": kind.__name__, **{name: getattr(fact, name) for name in _FIELDS[kind]}})


def decode(line: str | bytes) -> Fact:
    """The fact of a line; ``ValueError``, ``KeyError`` or ``TypeError`` for what is none of this version's."""
    entry: dict[str, Any] = dict(json.loads(line))
    kind: Any = KINDS[entry.pop("fact")]
    if kind is RecordsWritten:
        entry["records"] = [_ENCODER.encode(record) for record in entry["records"]]
    fact: Fact = kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()})
    return fact
