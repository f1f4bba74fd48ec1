"""What the cloud holds when everything has settled: plain data, read by the observer and judged by the accounting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from penstock.cloud.faults.log import Strike


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How the API answered the POST of one order.

    ``status`` is the HTTP status of the last attempt, ``None`` when nothing answered; ``problem`` says what was
    wrong in the answer's own words, empty after 202. ``retried`` are the problems of the attempts before the last.
    """

    status: int | None
    problem: str = ""
    retried: tuple[str, ...] = ()

    @property
    def acknowledged(self) -> bool:
        """Whether the API took the order on."""
        return self.status == 202


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """An item of the Orders table, without its lines; what the item lacks is ``None``."""

    order_id: str
    status: str
    version: int
    kind: str | None = None
    customer_id: str | None = None
    customer_kind: str | None = None
    country: str | None = None
    placed_at: str | None = None
    total: Decimal | None = None
    item_count: int | None = None
    distinct_products: int | None = None
    line_count: int = 0
    reason: str | None = None
    execution: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the order was accepted, whatever came after."""
        return self.status in {"ACCEPTED", "PACKED", "SHIPPED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerOrder:
    """A row of the read model CustomerOrders."""

    customer_id: str
    order_id: str
    version: int
    status: str | None = None
    kind: str | None = None
    total: Decimal | None = None
    item_count: int | None = None
    distinct_products: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Count, items and value (pounds) of some orders or returns; the latter two are below 0 for returns."""

    count: int = 0
    items: int = 0
    value: Decimal = Decimal(0)

    def __add__(self, other: Sums) -> Sums:
        return Sums(count=self.count + other.count, items=self.items + other.items, value=self.value + other.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsWindow:
    """A row of Statistics: what one window of one shard counted. ``name`` is its key, for messages."""

    name: str
    orders: Sums = field(default_factory=Sums)
    returns: Sums = field(default_factory=Sums)
    bad_records: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A message that the topic delivered; what cannot be read out of it is empty."""

    order_id: str
    status: str
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution of the state machine.

    ``arn`` ends with its name. ``status`` is the one of Step Functions (``SUCCEEDED``, ``RUNNING``, …). ``updates``
    counts the updates of the order that its tasks made and saw succeed: none when it found the order taken.
    """

    arn: str
    status: str
    order_id: str
    updates: int

    @property
    def name(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """A domain event that the bus took from ``relay``; the place in the observation is the order of leaving."""

    order_id: str
    event_id: str
    version: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What rests in a queue or bucket though all is done.

    ``place`` names it (``queue penstock-…``, ``bucket …``), ``text`` is the message or the object's content,
    ``order_ids`` are the orders it speaks of, possibly none.
    """

    place: str
    text: str
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """An event that a target never took and that went to no dead-letter queue either; ``text`` is what was sent."""

    rule: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQueue:
    """Where messages end that a function could not process.

    ``place`` is that of its leftovers, ``max_receive_count`` how often a message is received before.
    """

    place: str
    max_receive_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All of it; ``answers`` and ``orders`` are keyed by order id.

    ``undelivered`` names events that a target never took and that rest nowhere, ``strikes`` are the faults that struck,
    ``planned`` the kinds of fault that were to strike. ``enrich_dead_letters`` is enrich's dead-letter queue.
    """

    answers: Mapping[str, Answer]
    orders: Mapping[str, StoredOrder]
    customer_orders: tuple[CustomerOrder, ...] = ()
    statistics: tuple[StatisticsWindow, ...] = ()
    notifications: tuple[Notification, ...] = ()
    executions: tuple[Execution, ...] = ()
    events: tuple[OrderEvent, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    strikes: tuple[Strike, ...] = ()
    planned: frozenset[str] = frozenset()
    enrich_dead_letters: DeadLetterQueue | None = None
