"""What an application hangs on moto is gone when the application is."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path

from penstock.application import Application
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Engine
from penstock.cloud.moto import hooks
from penstock.cloud.queues import Queues
from tests.template.assembly_writer import AssemblyWriter

ARN = "arn:aws:sqs:us-east-1:123456789012:q"
SENT = {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q", "MessageBody": "late"}


def an_engine() -> Engine:
    """An engine with one queue."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    engine.call("sqs", "CreateQueue", {"QueueName": "q"})
    return engine


class Owner:
    """Has a function that two hooks are hung on."""

    @staticmethod
    def name() -> str:
        """Tell who answers."""
        return "bare"


def test_later_hook_stays() -> None:
    """Each hook has the bare function below it, not another hook; taken down, nothing of them is left."""
    for hook in ("first", "second"):
        hooks.hang(Owner, "name", functools.partial(_hooked, hook))
    hung = Owner.name()
    hooks.take_down()

    assert (hung, Owner.name()) == ("second bare", "bare")


def _hooked(hook: str, bare: Callable[[], str]) -> Callable[[], str]:
    return lambda: f"{hook} {bare()}"


def test_next_engine_has_no_reader_of_the_one_before() -> None:
    """A reader that nobody sent away is not told of a queue of the same name, for which its loop would be gone."""

    async def wait_for_a_message() -> None:
        clock = JumpingClock()
        Queues(an_engine(), clock).receive(ARN, limit=1, visibility_timeout_seconds=1, answer=lambda _: None)
        clock.close()

    asyncio.run(wait_for_a_message())

    assert an_engine().call("sqs", "SendMessage", SENT)["MessageId"]


def test_closed_application_leaves_moto_as_it_was(tmp_path: Path) -> None:
    """Whoever uses moto in this process afterwards meets moto, on wall time."""
    from moto.s3 import notifications
    from moto.sns import models as sns
    from moto.sqs import models as sqs

    def names() -> list[object]:
        of_queues = (sqs.Queue.add_message, sqs.SQSBackend.receive_message, sqs.SQSBackend.delete_message)
        return [*of_queues, sqs.unix_time, sns.Subscription.publish, notifications._send_event_bridge_message]

    assembly = AssemblyWriter(tmp_path / "cdk.out")
    assembly.stack({"Queue": {"Type": "AWS::SQS::Queue"}})
    Engine(account_id="123456789012", region="us-east-1")
    before = names()
    with Application.start(assembly.path):
        during = names()

    assert names() == before
    assert [one for one, other in zip(before, during, strict=True) if one is other] == []
