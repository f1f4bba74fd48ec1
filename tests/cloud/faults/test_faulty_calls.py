"""Faults of AWS calls at the front door: what strikes, what the caller sees, what the service has done."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.session import Session

from penstock.cloud.callers import Caller, Callers
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Engine
from penstock.cloud.faults import Faults, FaultScript, Strike
from penstock.cloud.faults.kinds import CallFault, Error, Fault, Latency, ProcessKilled, ResponseLost, Throttle, When
from penstock.cloud.front_door import FrontDoor

ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass
class Worker:
    """A process, as far as faults know one."""

    request_id: str = "r-1"
    event: str = "{}"
    doomed: bool = False
    ends: list[str] = field(default_factory=list)

    def crash(self) -> None:
        """Note the end."""
        self.ends.append("crash")

    def doom(self) -> None:
        """Note the end to come."""
        self.doomed = True


@dataclass
class World:
    """What a scenario works with: clients of the embedded cloud, called by a function named Worker."""

    endpoint: str
    caller: Caller
    worker: Worker
    faults: Faults

    def client(self, service: str, *, attempts: int = 1) -> Any:
        """A botocore client with the credentials of the function's process."""
        session = Session()
        session.set_credentials(self.caller.access_key, self.caller.secret_key)
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts}, account_id_endpoint_mode="disabled"
        )
        return session.create_client(service, region_name=REGION, endpoint_url=self.endpoint, config=config)

    def table(self) -> Any:
        """A client of DynamoDB after the table Orders was made."""
        client = self.client("dynamodb")
        client.create_table(
            TableName="Orders",
            KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return client


def put(client: Any, order_id: str) -> None:
    """Put an order."""
    client.put_item(TableName="Orders", Item={"order_id": {"S": order_id}})


def stored(client: Any) -> set[str]:
    """The orders in the table."""
    return {item["order_id"]["S"] for item in client.scan(TableName="Orders")["Items"]}


def with_faults(use: Callable[[World], Any], *faults: Fault, seed: int = 0) -> tuple[Any, list[Strike]]:
    """Run a scenario in a thread beside an embedded cloud with these faults: its result, and what struck."""

    async def go() -> tuple[Any, list[Strike]]:
        clock, worker = JumpingClock(), Worker()
        engine = Engine(account_id=ACCOUNT, region=REGION)
        callers = Callers(account_id=ACCOUNT, seed="0")
        caller = callers.register("Worker", "arn:aws:iam::123456789012:role/worker", session="environment-1")
        armed = Faults(
            FaultScript(seed=seed, faults=faults),
            clock=clock,
            process_of={"environment-1": worker}.get,
            key_names={"Orders": ["order_id"]},
        )
        door = FrontDoor(engine, callers, clock, interceptors=[armed.calls])
        await door.start()
        world = World(endpoint=door.endpoint, caller=caller, worker=worker, faults=armed)
        try:
            return await asyncio.to_thread(use, world), armed.log
        finally:
            await door.close()
            clock.close()

    return asyncio.run(go())


def refusal(call: Callable[[], Any]) -> tuple[str, int]:
    """Code and HTTP status of the error that a call ends with."""
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


CALLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "dynamodb": ("dynamodb", lambda client: client.list_tables()),
    "events": ("events", lambda client: client.put_events(Entries=[{"Source": "s"}])),
    "s3": ("s3", lambda client: client.list_buckets()),
    "sns": ("sns", lambda client: client.list_topics()),
    "sqs": ("sqs", lambda client: client.list_queues()),
    "states": ("stepfunctions", lambda client: client.list_state_machines()),
}


@pytest.mark.parametrize(
    ("service", "throttled", "broken"),
    [
        ("dynamodb", ("ProvisionedThroughputExceededException", 400), ("InternalServerError", 500)),
        ("events", ("ThrottlingException", 400), ("InternalException", 500)),
        ("s3", ("SlowDown", 503), ("InternalError", 500)),
        ("sns", ("Throttling", 400), ("InternalError", 500)),
        ("sqs", ("RequestThrottled", 403), ("InternalFailure", 500)),
        ("states", ("ThrottlingException", 400), ("InternalFailure", 500)),
    ],
)
def test_service_refuses_in_its_own_words(service: str, throttled: tuple[str, int], broken: tuple[str, int]) -> None:
    """A throttle and an internal error have each service's own code and status, in its own protocol."""
    name, call = CALLS[service]

    def use(world: World) -> list[tuple[str, int]]:
        client = world.client(name)
        return [refusal(lambda: call(client)) for _ in range(2)]

    seen, log = with_faults(use, Throttle(service=service, when=When(nth=1)), Error(service=service))

    assert seen == [throttled, broken]
    assert [(strike.kind, strike.fault, strike.victim) for strike in log] == [
        ("throttle", 0, "Worker"),
        ("error", 1, "Worker"),
    ]


def test_given_error_is_raised_and_nothing_done() -> None:
    """Code, message and status are the script's; the service never saw the call."""

    def use(world: World) -> tuple[Any, set[str]]:
        client = world.table()
        code = refusal(lambda: put(client, "1"))
        put(client, "2")
        return code, stored(client)

    fault = Error(operation="PutItem", code="ItemCollectionSizeLimitExceededException", matching='"1"')
    (code, orders), (strike,) = with_faults(use, fault)

    assert code == ("ItemCollectionSizeLimitExceededException", 400)
    assert orders == {"2"}
    assert (strike.service, strike.operation, strike.request_id) == ("dynamodb", "PutItem", "r-1")
    assert strike.item_keys == ("Orders/order_id=1",)


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        (Throttle(operation="PutItem", when=When(nth=2)), ["2"]),
        (Throttle(operation="PutItem", when=When(every=2)), ["2", "4"]),
        (Throttle(caller="Other"), []),
        (Throttle(service="sns"), []),
        (Throttle(operation="PutItem", call=3), ["2"]),
    ],
)
def test_only_calls_that_match_are_hit(fault: CallFault, hit: list[str]) -> None:
    """By operation, caller, service, and place among the calls of the invocation (the first makes the table)."""

    def use(world: World) -> list[str]:
        client = world.table()
        failed = []
        for order_id in ("1", "2", "3", "4"):
            try:
                put(client, order_id)
            except ClientError:
                failed.append(order_id)
        return failed

    failed, log = with_faults(use, fault)

    assert failed == hit
    assert [strike.item_keys for strike in log] == [(f"Orders/order_id={order_id}",) for order_id in hit]


def test_throttle_is_survived_by_retries() -> None:
    """boto3 tries again what was throttled, as it would in AWS."""

    def use(world: World) -> set[str]:
        client = world.table()
        put(world.client("dynamodb", attempts=3), "1")
        return stored(client)

    orders, log = with_faults(use, Throttle(operation="PutItem", when=When(first=1)))

    assert (orders, len(log)) == ({"1"}, 1)


def test_lost_response_leaves_the_effect() -> None:
    """The connection breaks after the service did its work."""

    def use(world: World) -> set[str]:
        client = world.table()
        with pytest.raises(ConnectionClosedError):
            put(client, "1")
        return stored(client)

    orders, (strike,) = with_faults(use, ResponseLost(operation="PutItem"))

    assert (orders, strike.kind) == ({"1"}, "response-lost")


def test_latency_is_waited_for() -> None:
    """The call takes as much longer as the script says, in wall time: something is in flight."""

    def use(world: World) -> float:
        client = world.table()
        began = time.monotonic()
        put(client, "1")
        return time.monotonic() - began

    took, log = with_faults(use, Latency(operation="PutItem", milliseconds=80))

    assert took >= 0.08
    assert [strike.kind for strike in log] == ["latency"]


@pytest.mark.parametrize(("moment", "orders"), [("before", set()), ("during", {"1"})])
def test_process_is_killed_around_the_effect(moment: Any, orders: set[str]) -> None:
    """Before: nothing was done. During: it was done, and nobody heard of it."""

    def use(world: World) -> tuple[set[str], list[str]]:
        client = world.table()
        with pytest.raises(ConnectionClosedError):
            put(client, "1")
        return stored(client), world.worker.ends

    (found, ends), (strike,) = with_faults(use, ProcessKilled(operation="PutItem", moment=moment))

    assert (found, ends) == (orders, ["crash"])
    assert (strike.kind, strike.moment, strike.request_id, strike.batch) == ("process-killed", moment, "r-1", "{}")


def test_process_killed_after_a_call_makes_no_other() -> None:
    """After: the caller has its answer, and its next call does not arrive."""

    def use(world: World) -> tuple[list[str], set[str]]:
        client = world.table()
        put(client, "1")
        with pytest.raises(ConnectionClosedError):
            put(client, "2")
        ends = list(world.worker.ends)
        world.worker.doomed = False
        return ends, stored(client)

    (ends, orders), log = with_faults(use, ProcessKilled(operation="PutItem", moment="after", when=When(nth=1)))

    assert (ends, orders, len(log)) == (["crash"], {"1"}, 1)


def test_caller_without_a_process_is_not_killed() -> None:
    """A process can be killed for a call of an invocation only."""

    def use(world: World) -> set[str]:
        world.worker.request_id = ""
        client = world.table()
        put(client, "1")
        return stored(client)

    assert with_faults(use, ProcessKilled(moment="before")) == ({"1"}, [])


def test_entries_of_a_batch_write_come_back_unprocessed() -> None:
    """The entries hit are returned, the others are written."""

    def use(world: World) -> tuple[Any, set[str]]:
        client = world.table()
        writes = [{"PutRequest": {"Item": {"order_id": {"S": str(n)}}}} for n in range(5)]
        answer = client.batch_write_item(RequestItems={"Orders": writes})
        return answer["UnprocessedItems"], stored(client)

    fault = Throttle(service="dynamodb", operation="BatchWriteItem", entries=True, when=When(every=2))
    (unprocessed, orders), log = with_faults(use, fault)

    returned = [write["PutRequest"]["Item"]["order_id"]["S"] for write in unprocessed["Orders"]]
    assert (returned, orders, len(log)) == (["1", "3"], {"0", "2", "4"}, 2)


def test_call_whose_entries_all_fail_reaches_no_service() -> None:
    """Nothing is left of the call, and it is answered all the same."""

    def use(world: World) -> tuple[Any, set[str]]:
        client = world.table()
        writes = [{"PutRequest": {"Item": {"order_id": {"S": "1"}}}}]
        return client.batch_write_item(RequestItems={"Orders": writes})["UnprocessedItems"], stored(client)

    fault = Throttle(service="dynamodb", operation="BatchWriteItem", entries=True)
    (unprocessed, orders), _ = with_faults(use, fault)

    assert (list(unprocessed), orders) == (["Orders"], set())


def test_entries_of_a_send_fail_by_their_ids() -> None:
    """SendMessageBatch names those that failed, with code and culprit."""

    def use(world: World) -> tuple[Any, list[str]]:
        sqs = world.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        entries = [{"Id": name, "MessageBody": name} for name in ("a", "b", "c")]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)["Messages"]
        return answer, sorted(message["Body"] for message in messages)

    fault = Error(service="sqs", operation="SendMessageBatch", entries=True, matching='"b"')
    (answer, sent), _ = with_faults(use, fault)

    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("b", "InternalFailure", False)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "c"]
    assert sent == ["a", "c"]
