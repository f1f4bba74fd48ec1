"""One history of the whole chain, from one seed: what may go wrong does, and no state may go back.

The functions are the real ones, each with its handler; around them everything is in memory: the Orders table with its
stream, a bus that shuffles and doubles, queues, the read model. Chance decides who is next, how batches are cut (again
and differently after a failure), in which execution environment they land, and what fails: calls before and after they
took effect, single entries and statements, late ones, invocations that die, answers that are lost, times that run out.
When the seed's faults are used up, the world is calm and comes to its end.

Broken rules are told as text. They are: no PutEvents call has two entries of one order; each change is published under
its record's id; of an order's changes none is first published after a newer one; no row of any table goes back; and in
the end every change that was not given up was published, and every order and its row have come to where they belong.
"""

import contextlib
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from effects.customer_orders_table import CustomerOrdersTable
from effects.event_bus import MAX_ENTRIES, EventBus
from effects.order_item import placed_item
from effects.ordered_batch import OrderedBatchProcessor
from effects.orders_table import OrdersTable
from effects.queue_batch import QueueBatchProcessor
from orders.order import Line, Order
from tests.lambda_src.effects.statement_table import StatementTable
from tests.lambda_src.order.orders import Item, Orders

ATTEMPTS = 4
"""How often a record that stands alone is tried before it is given up."""

MAX_RECEIVE_COUNT = 60
"""More than there are faults in a history: only poison gets there."""

_BUSY = ("ThrottlingError", "InternalServerError", "TransactionConflict")


class Died(BaseException):
    """The invocation ended in the middle, and its execution environment with it."""


class Broken(BaseException):
    """A rule was broken; no supervisor of records takes it for a failure of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """The modules of the functions, imported once; their wiring is replaced in each history."""

    relay: Any
    enrich: Any
    replicate: Any


@dataclass
class Context:
    """The context of an invocation."""

    remaining_ms: int
    function_name: str = "f"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:f:live"
    aws_request_id: str = "r"

    def get_remaining_time_in_millis(self) -> int:
        """Give the time that is left."""
        return self.remaining_ms


@dataclass
class Queue:
    """Messages by their ids; what is delivered stays until it is done, or was delivered too often."""

    messages: dict[str, str] = field(default_factory=dict)
    delivered: Counter[str] = field(default_factory=Counter)
    sent: int = 0

    def send(self, body: str) -> None:
        """Take a message."""
        self.sent += 1
        self.messages[f"m{self.sent}"] = body


class History:
    """One world; `play` plays it to its end. `seen` counts what happened in it."""

    def __init__(self, seed: int, handlers: Handlers) -> None:
        self.chance = random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.handlers = handlers
        self.faults_left = self.chance.choice([0, 5, 15, 40])
        self.fault_rate = self.chance.choice([0.05, 0.15, 0.4])
        self.depth = 0
        self.orders = Orders(self.chance, shards=self.chance.randint(1, 2))
        self.positions = [0] * len(self.orders.records)
        self.attempts: Counter[str] = Counter()
        self.given_up: set[str] = set()
        self.published: dict[str, list[int]] = {}
        self.late: list[list[dict[str, str]]] = []
        self.queues = {"enrich": Queue(), "replicate": Queue(), "fulfilment": Queue()}
        self.rows = Rows(self)
        self.environments = [self._environment() for _ in range(self.chance.randint(1, 3))]
        self.to_place = [f"{number}" for number in range(self.chance.randint(1, 5))]

    def play(self) -> None:
        """Play to the end; raises `Broken` with the rule."""
        self._wire()
        self.orders.meanwhile, self.orders.require = self.meanwhile, self.require
        with contextlib.redirect_stdout(io.StringIO()):  # where Powertools writes its metrics
            while steps := list(self._steps()):
                self.chance.choice(steps)()
        self._judge_the_end()

    def fault(self, name: str, weight: float = 1.0) -> bool:
        """Decide whether something goes wrong here."""
        if not self.faults_left or self.chance.random() > self.fault_rate * weight:
            return False
        self.faults_left -= 1
        self.seen[name] += 1
        return True

    def meanwhile(self) -> None:
        """Let somebody else have a turn in the middle of an invocation."""
        waiting = [name for name, queue in self.queues.items() if queue.messages]
        if waiting and self.depth < 2 and self.fault("another invocation in between"):
            self._deliver(self.chance.choice(waiting))

    def require(self, holds: bool, rule: str) -> None:
        """Keep a rule."""
        if not holds:
            raise Broken(rule)

    # What can happen next.

    def _steps(self) -> Iterator[Callable[[], None]]:
        if self.to_place:
            yield self._place
        for shard, records in enumerate(self.orders.records):
            if self.positions[shard] < len(records):
                yield lambda shard=shard: self._relay(shard)  # type: ignore[misc]
        for name, queue in self.queues.items():
            if queue.messages:
                yield lambda name=name: self._deliver(name)  # type: ignore[misc]
        if self.late:
            yield self._arrive_late

    def _place(self) -> None:
        line = Line(
            stock_code="1", description="", quantity=1, unit_price=Decimal(1), invoiced_at="2010-12-01T08:26:00"
        )
        self.orders.write(
            placed_item(Order(order_id=self.to_place.pop(), customer_id="c", country="France", lines=(line,)))
        )
        if self.fault("a stranger's write"):
            self._touch()

    def _touch(self) -> None:
        """Write to an order from outside: beside the version, or so that it can no longer be read."""
        item = self.orders.items[self.chance.choice(list(self.orders.items))]
        if self.fault("poison"):
            self.orders.write(item | {"country": {"N": "1"}})
        else:
            self.orders.write(item | {"note": {"S": str(self.chance.random())}})

    # The stream's mapping and relay.

    def _environment(self) -> OrderedBatchProcessor:
        logger = Logger(service="order-histories", level="CRITICAL")
        bus = EventBus(client=self, name="Bus")  # type: ignore[arg-type]
        return OrderedBatchProcessor(perform=bus.publish, group_size=MAX_ENTRIES, logger=logger)

    def _relay(self, shard: int) -> None:
        begin = self.positions[shard]
        batch = self.orders.records[shard][begin : begin + self.chance.randint(1, 12)]
        number = self.chance.randrange(len(self.environments))
        self.handlers.relay.processor = self.environments[number]
        try:
            answer = self._invoke(self.handlers.relay, batch)
        except Died:
            self.environments[number] = self._environment()
            answer = {"batchItemFailures": [{"itemIdentifier": batch[0]["dynamodb"]["SequenceNumber"]}]}
        reported = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        done = 0
        while done < len(batch) and batch[done]["dynamodb"]["SequenceNumber"] not in reported:
            done += 1
        self.positions[shard] += done
        if done < len(batch):
            self._failed(shard, batch[done], alone=len(batch) == 1)

    def _failed(self, shard: int, record: dict[str, Any], *, alone: bool) -> None:
        self.seen["record reported"] += 1
        self.attempts[record["eventID"]] += alone
        if self.attempts[record["eventID"]] >= ATTEMPTS:
            self.seen["record given up"] += 1
            self.given_up.add(record["dynamodb"]["Keys"]["order_id"]["S"])
            self.positions[shard] += 1

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:
        """Take entries as the bus does, or fail in one of its ways."""
        orders = [json.loads(entry["Detail"])["orderId"] for entry in Entries]
        self.require(len(set(orders)) == len(orders) <= MAX_ENTRIES, "a call has two entries of one order")
        self._die("relay died before the call")
        if self.fault("call refused"):
            raise ClientError({"Error": {"Code": "InternalException", "Message": ""}}, "PutEvents")
        if self.fault("call timed out and comes late"):
            self.late.append(Entries)
            raise ClientError({"Error": {"Code": "RequestTimeout", "Message": ""}}, "PutEvents")
        refused = [self.fault("entry refused", 0.5) for _ in Entries]
        for entry, no in zip(Entries, refused, strict=True):
            if not no:
                self._publish(entry)
        self._die("relay died after the call")
        if self.fault("answer of the bus lost"):
            raise ClientError({"Error": {"Code": "InternalException", "Message": ""}}, "PutEvents")
        return {"Entries": [{"ErrorCode": "ThrottlingException"} if no else {"EventId": "x"} for no in refused]}

    def _arrive_late(self) -> None:
        for entry in self.late.pop(self.chance.randrange(len(self.late))):
            self._publish(entry)

    def _publish(self, entry: dict[str, str]) -> None:
        detail = json.loads(entry["Detail"])
        order_id, version = detail["orderId"], detail["version"]
        self.require(detail["eventId"] == self._event_id(order_id, version), "a change has another event id")
        before = self.published.setdefault(order_id, [])
        if version in before:
            self.seen["published again"] += 1
        else:
            self.require(all(earlier < version for earlier in before), "an older change was published after a newer")
            before.append(version)
        for name in self._targets(detail["status"]):
            for _ in range(1 + self.fault("event doubled")):
                self.queues[name].send(json.dumps({"detail": detail}))

    def _event_id(self, order_id: str, version: int) -> str:
        for record in self._changes(order_id):
            if int(record["dynamodb"]["NewImage"]["version"]["N"]) == version:
                return str(record["eventID"])
        raise Broken("what never happened was published")

    def _changes(self, order_id: str) -> Iterator[dict[str, Any]]:
        """The records in which an order's version changed, in their order."""
        for record in (record for records in self.orders.records for record in records):
            images = record["dynamodb"]
            mine = images["Keys"]["order_id"]["S"] == order_id
            if mine and images.get("OldImage", {}).get("version") != images["NewImage"]["version"]:
                yield record

    def _targets(self, status: str) -> list[str]:
        return {"PLACED": ["enrich"], "ACCEPTED": ["replicate", "fulfilment"]}.get(status, ["replicate"])

    # Queues and their consumers.

    def _deliver(self, name: str) -> None:
        queue = self.queues[name]
        ids = self.chance.sample(list(queue.messages), k=min(len(queue.messages), self.chance.randint(1, 30)))
        records = [{"messageId": each, "eventSource": "aws:sqs", "body": queue.messages[each]} for each in ids]
        self.depth += 1
        try:
            if name == "fulfilment":
                failed = self._fulfil(records)
            else:
                if name == "enrich":  # each invocation has an execution environment of its own
                    self.handlers.enrich.processor = QueueBatchProcessor(logger=self.handlers.enrich.logger)
                answer = self._invoke(getattr(self.handlers, name), records)
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        except Died:
            failed = set(ids)
        finally:
            self.depth -= 1
        for each in ids:
            queue.delivered[each] += 1
            if each not in failed:
                queue.messages.pop(each, None)
            elif queue.delivered[each] > MAX_RECEIVE_COUNT and each in queue.messages:
                self.seen["message given up"] += 1
                self.given_up.add(json.loads(queue.messages.pop(each))["detail"]["orderId"])

    def _fulfil(self, records: list[dict[str, str]]) -> set[str]:
        for record in records:
            order_id = json.loads(record["body"])["detail"]["orderId"]
            for step in (("ACCEPTED", "PACKED"), ("PACKED", "SHIPPED")):
                self.orders.advance(order_id, *step)
                if self.fault("fulfilment stops half-way"):
                    return {record["messageId"] for record in records}
        return set()

    # Invocations.

    def _wire(self) -> None:
        relay, enrich, replicate = self.handlers.relay, self.handlers.enrich, self.handlers.replicate
        relay.bus = EventBus(client=self, name="Bus")  # type: ignore[arg-type]
        enrich.orders = OrdersTable(client=self.orders, name="Orders")  # type: ignore[arg-type]
        enrich.authorize = lambda request, _: f"pay_{request.order_id}"
        replicate.table = CustomerOrdersTable(client=self.rows, name="CustomerOrders")  # type: ignore[arg-type]
        replicate.time = SimpleNamespace(sleep=lambda _: None)
        for function in (relay, enrich, replicate):
            function.logger.setLevel("CRITICAL")

    def _invoke(self, function: Any, records: list[dict[str, Any]]) -> Any:
        context = Context(remaining_ms=100 if self.fault("time is running out") else 30_000)
        answer = function.lambda_handler({"Records": records}, context)
        self._die("answer of the function lost")
        return answer

    def _die(self, name: str) -> None:
        if self.fault(name, 0.5):
            raise Died

    # The end.

    def _judge_the_end(self) -> None:
        for order_id, item in self.orders.items.items():
            if order_id in self.given_up:
                continue
            versions = [int(record["dynamodb"]["NewImage"]["version"]["N"]) for record in self._changes(order_id)]
            self.require(self.published.get(order_id) == versions, "a change was not published")
            self.require(item["status"] == {"S": "SHIPPED"}, "an order stayed behind")
            row = self.rows.rows.get(("c", order_id))
            self.require(row is not None and row["version"] == item["version"], "a row stayed behind")


class Rows(StatementTable):
    """The read model of a history: fails as the history will have it, and never goes back."""

    def __init__(self, history: History) -> None:
        super().__init__("customer_id", "order_id")
        self._history = history
        self.meanwhile = history.meanwhile
        self.fault = lambda *_: self._code()
        self.wrote = self._moved

    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:
        """Execute statements, or fail before or after."""
        history = self._history
        history._die("replicate died before the call")
        if history.fault("statements refused"):
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "BatchExecuteStatement")
        answer = super().batch_execute_statement(Statements=Statements)
        history._die("replicate died after the call")
        if history.fault("answer of the table lost"):
            raise ClientError({"Error": {"Code": "RequestTimeout", "Message": ""}}, "BatchExecuteStatement")
        return answer

    def _code(self) -> str | None:
        return self._history.chance.choice(_BUSY) if self._history.fault("statement throttled") else None

    def _moved(self, old: Item | None, new: Item) -> None:
        went_on = old is None or int(old["version"]["N"]) < int(new["version"]["N"])
        self._history.require(went_on, "a row of the read model went back")
