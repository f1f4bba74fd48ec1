"""Readers of queues are woken when a message can be received."""

import asyncio

import pytest

from penstock.cloud.clock import JumpingClock, WallClock
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.engine import Engine
from penstock.cloud.queues import Queues
from penstock.mapping.inputs import QueueMessage
from tests.standing_clock import StandingClock

ARN = "arn:aws:sqs:us-east-1:123456789012:q"


class CreepingClock(JumpingClock):
    """A clock that goes on by a millisecond each time that it is looked at, once told to creep."""

    def __init__(self) -> None:
        super().__init__()
        self.at_ms = 1_767_225_600_000
        self.creeps = False

    def now_ms(self) -> int:
        self.at_ms += self.creeps
        return self.at_ms


@pytest.mark.parametrize("margin_ms", range(12))
def test_message_that_becomes_visible_during_the_look_is_not_missed(margin_ms: int) -> None:
    """However a visibility timeout ends between two looks at the clock, the reader has the message or waits for it."""

    async def go() -> tuple[list[QueueMessage], list[tuple[int, str]]]:
        clock = CreepingClock()
        engine = Engine(account_id="123456789012", region="us-east-1", now_ms=clock.now_ms)
        queues = Queues(engine, clock)
        engine.call("sqs", "CreateQueue", {"QueueName": "q"})
        queues.send(ARN, "once")
        taken: list[QueueMessage] = []
        queues.receive(ARN, limit=1, visibility_timeout_seconds=1, answer=taken.extend)
        clock.at_ms += 1000 - margin_ms
        clock.creeps = True
        queues.receive(ARN, limit=1, visibility_timeout_seconds=1, answer=taken.extend)
        pending = clock.pending
        clock.close()
        return taken, pending

    taken, pending = asyncio.run(go())

    assert len(taken) == 2 or [name for _, name in pending] == ["visibility of q"]


def test_cancelled_long_poll_leaves_nothing_in_flight() -> None:
    """Whoever gave up, or was cut off at the end of a run, is no longer counted, and was counted until then."""

    async def go() -> tuple[object, dict[str, int]]:
        clock = WallClock()
        queues = Queues(Engine(account_id="123456789012", region="us-east-1"), clock)

        async def poll() -> None:
            with clock.activity("poll"):
                await queues._until_changed("q", clock.now_ms() + 20_000, "poll")

        task = asyncio.create_task(poll())
        await asyncio.sleep(0)
        assert clock.busy_with == {}
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        clock.close()
        return ended, clock.busy_with

    ended, busy = asyncio.run(go())

    assert isinstance(ended, asyncio.CancelledError)
    assert busy == {}


def test_repetition_that_a_fifo_queue_drops_is_not_told_or_counted() -> None:
    """Nothing came into the queue, whatever the sender was answered."""

    async def go() -> tuple[list[str], float]:
        clock = WallClock()
        metrics = Metrics(now_ms=clock.now_ms)
        engine = Engine(account_id="123456789012", region="us-east-1", now_ms=clock.now_ms)
        queues = Queues(engine, clock, metrics)
        told: list[str] = []
        queues.on_sent = lambda name, message: told.append(f"{message.body} into {name}")
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        engine.call("sqs", "CreateQueue", {"QueueName": "q.fifo", "Attributes": attributes})
        for body in ("one", "one", "two"):
            queues.send(f"{ARN}.fifo", body, group="g")
        clock.close()
        return told, metrics.sum("AWS/SQS", "NumberOfMessagesSent", QueueName="q.fifo")

    told, counted = asyncio.run(go())

    assert told == ["one into q.fifo", "two into q.fifo"]
    assert counted == 2


def test_message_that_is_gone_need_not_be_shown_again() -> None:
    """What was deleted, or held for its retention period, while a batch waited is no error to its mapping."""

    async def go() -> list[QueueMessage]:
        clock = StandingClock()
        engine = Engine(account_id="123456789012", region="us-east-1", now_ms=clock.now_ms)
        queues = Queues(engine, clock)
        engine.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"MessageRetentionPeriod": "60"}})
        queues.send(ARN, "once")
        taken: list[QueueMessage] = []
        queues.receive(ARN, limit=1, visibility_timeout_seconds=600, answer=taken.extend)
        clock.skipped_ms += 60_000
        queues.change_visibility(ARN, taken, 0)
        assert queues.held("q") == []
        clock.close()
        return taken

    assert len(asyncio.run(go())) == 1


@pytest.mark.parametrize(("name", "attributes", "group"), [("q", {}, None), ("q.fifo", {"FifoQueue": "true"}, "g")])
def test_only_a_fifo_queue_orders_by_message_group(name: str, attributes: dict[str, str], group: str | None) -> None:
    """A standard queue takes a message group too, for its fairness, and delivers its messages side by side."""

    async def go() -> list[QueueMessage]:
        clock = JumpingClock()
        engine = Engine(account_id="123456789012", region="us-east-1", now_ms=clock.now_ms)
        queues = Queues(engine, clock)
        url = engine.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})["QueueUrl"]
        deduplication = {"MessageDeduplicationId": "1"} if attributes else {}
        engine.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "g", **deduplication})
        taken: list[QueueMessage] = []
        arn = ARN.replace(":q", f":{name}")
        queues.receive(arn, limit=1, visibility_timeout_seconds=30, answer=taken.extend)
        clock.close()
        return taken

    assert [message.message_group_id for message in asyncio.run(go())] == [group]
