import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from effects.ordered_batch import OrderedBatchProcessor
from penstock.conformance.function import Behaviour, Call
from penstock.conformance.properties import stream_configuration
from penstock.conformance.stream_record import Written, write
from penstock.conformance.stream_world import STREAM_ARN, CaseShard, StreamWorld
from penstock.mapping.inputs import Returned

AN_HOUR_MS = 3_600_000
GROUP_SIZE = 3


class Shop:
    """Performs what it is handed, in groups; poison cannot be prepared, what is refused cannot be performed."""

    def __init__(self, poison: Sequence[str] = (), refused: Sequence[str] = ()) -> None:
        self.performed: list[str] = []
        self.groups: list[list[str]] = []
        self.poison = set(poison)
        self.refused = set(refused)
        self.processor = OrderedBatchProcessor(
            perform=self.perform, group_size=GROUP_SIZE, logger=Logger(service="ordered-batch-test", level="CRITICAL")
        )

    def prepare(self, record: DynamoDBRecord) -> str | None:
        """Read the name of a record."""
        name = str(record.raw_event["dynamodb"]["NewImage"]["name"]["S"])
        if name in self.poison:
            raise ValueError(name)
        return name

    def perform(self, names: list[str]) -> list[Exception | None]:
        """Perform a group."""
        self.groups.append(names)
        self.performed += [name for name in names if name not in self.refused]
        return [RuntimeError(name) if name in self.refused else None for name in names]

    def handle(self, records: list[dict[str, Any]], context: Any = None) -> Any:
        """Process a batch as a handler does."""
        return process_partial_response({"Records": records}, self.prepare, self.processor, context)


def stream(*names: str) -> list[Written]:
    """Write records to a stream; the first letter of a name is its item."""
    return [
        write(
            {"ref": name, "at_ms": 0, "item": name[0], "attributes": {"name": {"S": name}}},
            number=number,
            view="NEW_AND_OLD_IMAGES",
            stream_arn=STREAM_ARN,
        )
        for number, name in enumerate(names, 1)
    ]


class Function:
    """The function of a world: each call is a batch for the shop's processor."""

    reserved_concurrency = None
    timeout_ms = 30_000

    def __init__(self, shop: Shop, written: Sequence[Written]) -> None:
        self._shop = shop
        self._bodies = {one.ref: dict(one.record.body) for one in written}

    def behave(self, call: Call) -> Behaviour:
        """Process the batch at once."""
        return Behaviour(outcome=Returned(payload=self._shop.handle([self._bodies[ref] for ref in call.refs])))


def discarded(shop: Shop, written: Sequence[Written], *, bisects: bool = True, batch_size: int = 100) -> list[str]:
    """Run a mapping over the stream, and give what it put at the on-failure destination."""
    properties = {
        "BatchSize": batch_size,
        "MaximumRetryAttempts": 2,
        "BisectBatchOnFunctionError": bisects,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    configuration, _ = stream_configuration(properties, {"kind": "s3"})
    world = StreamWorld(
        configuration=configuration,
        shards=[CaseShard(name="s0")],
        writes=written,
        switches=[],
        rules=Function(shop, written),  # type: ignore[arg-type]
        destination_denied=False,
    )
    world.run(AN_HOUR_MS)
    records = [record for document in world.delivered for record in json.loads(document["payload"])["Records"]]
    return [record["dynamodb"]["NewImage"]["name"]["S"] for record in records]


@pytest.mark.parametrize("fault", ["poison", "refused"])
@pytest.mark.parametrize("bad", [["A1"], ["B1"], ["C2"], ["A1", "B1", "C2"], ["A1", "A2", "A3"]])
def test_poison_record_goes_to_the_destination_without_its_neighbours(fault: str, bad: list[str]) -> None:
    """A mapping that bisects and takes partial answers gives up the bad records and nothing else."""
    names = ["A1", "B1", "C1", "A2", "B2", "C2", "A3", "B3", "D1", "C3"]
    shop = Shop(**{fault: bad})

    assert discarded(shop, stream(*names)) == bad
    assert sorted(shop.performed) == sorted(set(names) - set(bad))


def test_without_bisecting_the_rest_goes_along() -> None:
    """Why the mapping has to bisect: what stands behind the poison record is given up with it, though it was done."""
    shop = Shop(poison=["B1"])

    assert discarded(shop, stream("A1", "B1", "C1", "B2"), bisects=False) == ["B1", "C1", "B2"]
    assert shop.performed == ["A1", "C1"]


@pytest.mark.parametrize("seed", range(100))
def test_every_shard_is_performed_in_order_and_to_the_end(seed: int) -> None:
    """Whatever is bad and however batches are cut: bad records are given up alone, the rest is done once, in order."""
    chance = random.Random(seed)
    versions: dict[str, int] = {}
    names = []
    for _ in range(chance.randint(1, 30)):
        key = chance.choice("ABCDEF")
        versions[key] = versions.get(key, 0) + 1
        names.append(f"{key}{versions[key]:02d}")
    bad = [name for name in names if chance.random() < 0.15]
    halves = set(chance.sample(bad, len(bad) // 2))
    shop = Shop(poison=list(halves), refused=[name for name in bad if name not in halves])

    assert discarded(shop, stream(*names), batch_size=chance.randint(1, 12)) == bad, f"seed {seed}"
    assert sorted(shop.performed) == sorted(set(names) - set(bad)), f"seed {seed}"
    for key in versions:
        mine = [name for name in shop.performed if name[0] == key]
        assert mine == sorted(mine), f"seed {seed}"
    assert all(len({name[0] for name in group}) == len(group) <= GROUP_SIZE for group in shop.groups), f"seed {seed}"


def reported(answer: Any, written: Sequence[Written]) -> list[str]:
    """The names behind the sequence numbers of an answer."""
    names = {one.record.sequence_number: one.ref for one in written}
    return [names[failure["itemIdentifier"]] for failure in answer["batchItemFailures"]]


def test_one_record_of_a_failed_key_is_reported_and_the_others_are_not_begun() -> None:
    """The lowest sequence number of the answer is that of the first failed record."""
    written = stream("A1", "B1", "A2", "C1", "B2", "A3")
    shop = Shop(refused=["B1"], poison=["A2"])
    answer = shop.handle([dict(one.record.body) for one in written])

    assert set(reported(answer, written)) == {"A2", "B1"}
    lowest = min(failure["itemIdentifier"] for failure in answer["batchItemFailures"])
    assert lowest == written[1].record.sequence_number
    assert shop.performed == ["A1", "C1"]


def test_earliest_records_come_first() -> None:
    """A key with many records does not starve one whose first record is later."""
    shop = Shop()
    shop.handle([dict(one.record.body) for one in stream("A1", "A2", "A3", "B1", "C1", "D1", "D2")])

    assert shop.groups == [["A1", "B1", "C1"], ["A2", "D1"], ["A3", "D2"]]


def test_record_handler_gets_the_context_when_it_asks_for_it(context: Any) -> None:
    """As with Powertools' own processor."""
    seen = []

    def record_handler(record: DynamoDBRecord, lambda_context: Any) -> None:
        seen.append(lambda_context)

    processor = OrderedBatchProcessor(perform=_never, group_size=1, logger=Logger(service="ordered-batch-test"))
    event = {"Records": [dict(one.record.body) for one in stream("A1")]}

    assert process_partial_response(event, record_handler, processor, context) == {"batchItemFailures": []}
    assert seen == [context]


def _never(_: list[Any]) -> Sequence[Exception | None]:
    raise AssertionError


def test_processor_serves_as_a_context_manager() -> None:
    """The other way in which Powertools' processors are used, without a context."""
    shop, written = Shop(refused=["B1"]), stream("A1", "B1", "A2")
    prepare: Callable[..., Any] = shop.prepare
    with shop.processor([dict(one.record.body) for one in written], prepare):
        results = shop.processor.process()

    assert [result[0] for result in results] == ["success", "fail", "success"]
    assert reported(shop.processor.response(), written) == ["B1"]
