"""A test that ends in the middle of something: it ends there too, and the next test never hears of it."""

from __future__ import annotations

import gc
import http.client
import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session as BotoSession

from penstock.testing import ApplicationUnderTest
from penstock.testing.plugin import Session

DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """One application for the tests of this module."""
    session = Session(Path(__file__).parent / "unfinished.yaml", parameters={}, skip=[], seed=1)
    yield session
    session.close()


@pytest.fixture
def unfinished(session: Session, request: pytest.FixtureRequest) -> ApplicationUnderTest:
    """The application for what a test leaves unfinished."""
    return session.begin(request.node.nodeid)


def until(holds: Callable[[], Any], application: ApplicationUnderTest) -> None:
    """Look again and again until something has come about."""
    ends, pause = time.monotonic() + 120, threading.Event()
    while not holds():
        assert time.monotonic() < ends, application.running.story()
        pause.wait(0.005)


def worker_told(application: ApplicationUnderTest) -> list[dict[str, str]]:
    """What the worker has told of each job that it began: with whose rights."""
    return [message.body for message in application.queues["Told"].messages()]


def invoke(application: ApplicationUnderTest, job: str) -> None:
    """Have the worker do a job, asynchronously."""
    (function,) = application.running.template.functions
    event = json.dumps({"job": job})
    application.client("lambda").invoke(FunctionName=function.name, InvocationType="Event", Payload=event)


def start(application: ApplicationUnderTest, *jobs: str) -> None:
    """Start an execution: a branch waits for a day and then has the worker do a late job, another has jobs done."""
    (machine,) = application.running.template.state_machines
    given = json.dumps({"jobs": [{"job": job} for job in jobs]})
    application.client("stepfunctions").start_execution(stateMachineArn=machine.arn, input=given)


def assert_nothing_follows(session: Session, was: ApplicationUnderTest) -> ApplicationUnderTest:
    """Begin the next test: it is empty, nobody calls, days later neither, and everything works."""
    then = was.clock.now
    following = session.begin("the next test")
    assert (following.clock.now - then).total_seconds() < DAY_SECONDS / 2
    following.clock.advance(days=2)
    following.settle()
    assert following.running.calls == {}
    assert (worker_told(following), following.tables["Things"].items()) == ([], [])

    following.queues["Jobs"].send({"job": "next"})
    following.settle()

    assert [thing["id"] for thing in following.tables["Things"].items()] == ["next"]
    assert [(received.attempt, received.outcome) for received in following.records("Worker")] == [(1, "done")]
    return following


@pytest.mark.parametrize("job", ["sleep", "poll"])
@pytest.mark.parametrize("way", ["asynchronously", "by a topic", "by a queue", "by an execution"])
def test_job_under_way_is_ended(session: Session, unfinished: ApplicationUnderTest, way: str, job: str) -> None:
    """Whoever asked for it, and whether it works or polls a queue."""
    match way:
        case "asynchronously":
            invoke(unfinished, job)
        case "by a topic":
            unfinished.topics["Topic"].publish({"job": job})
        case "by a queue":
            unfinished.queues["Jobs"].send({"job": job})
        case "by an execution":
            start(unfinished, job)
    until(lambda: worker_told(unfinished), unfinished)

    assert_nothing_follows(session, unfinished)


@pytest.mark.parametrize("way", ["asynchronously", "by a queue", "by an execution"])
def test_what_was_just_begun_is_let_go(session: Session, way: str) -> None:
    """A test that ends at its last call leaves nothing, wherever that call had got to."""
    for turn in range(10):
        application = session.begin(f"ends at its last call, {turn}")
        match way:
            case "asynchronously":
                invoke(application, "late")
            case "by a queue":
                application.queues["Jobs"].send({"job": "late"})
            case "by an execution":
                start(application, "late", "late")

    assert_nothing_follows(session, application)


def test_what_waits_for_its_time_is_forgotten(session: Session, unfinished: ApplicationUnderTest) -> None:
    """A delayed message, a received one, events and batches before their next attempt, executions: none goes on."""

    def timers() -> set[str]:
        """What is waited for, without the names of queues and functions."""
        names = [line.removeprefix("waiting: ") for line in unfinished.running.story()]
        return {" ".join(name.split(" ")[:2]) for name in names}

    with unfinished.running.hold():  # or all of it would be jumped to
        queues = {queue.logical_id: queue.url for queue in unfinished.running.template.queues}
        sqs = unfinished.client("sqs")
        sqs.send_message(QueueUrl=queues["Jobs"], MessageBody='{"job": "late"}', DelaySeconds=900)
        unfinished.queues["Empty"].send("hidden")
        sqs.receive_message(QueueUrl=queues["Empty"], VisibilityTimeout=900)
        invoke(unfinished, "fail")
        unfinished.queues["Jobs"].send({"job": "fail"})
        start(unfinished)
        until(lambda: len(worker_told(unfinished)) == 2, unfinished)
        until(lambda: timers() >= {"event of", "visibility of", "Wait state"}, unfinished)

        assert_nothing_follows(session, unfinished)


def test_request_under_way_is_dropped(session: Session, unfinished: ApplicationUnderTest) -> None:
    """Who waits for an answer over HTTP, in a thread that a test forgot, gets none and is not served by the next."""
    got: list[object] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(f"{unfinished.running.api_url}/sleep", timeout=120) as answer:
                got.append(answer.status)
        except (OSError, http.client.HTTPException) as problem:
            got.append(type(problem))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: worker_told(unfinished), unfinished)

    assert_nothing_follows(session, unfinished)
    asking.join(60)
    assert got
    assert got != [200]


def test_credentials_of_an_ended_worker_open_nothing(session: Session, unfinished: ApplicationUnderTest) -> None:
    """A call that it had sent, and nobody had read yet, is refused; a warm worker's are as good as before."""
    invoke(unfinished, "sleep")
    until(lambda: worker_told(unfinished), unfinished)
    (ended,) = worker_told(unfinished)
    following = session.begin("does a job")
    invoke(following, "now")
    following.settle()
    (warm,) = worker_told(following)
    after = session.begin("is called by both")
    (table,) = after.running.template.tables

    def put(rights: dict[str, str]) -> None:
        caller = BotoSession()
        caller.set_credentials(rights["AWS_ACCESS_KEY_ID"], rights["AWS_SECRET_ACCESS_KEY"], "local")
        client = caller.create_client("dynamodb", region_name=after.running.region, endpoint_url=after.running.endpoint)
        client.put_item(TableName=table.name, Item={"id": {"S": "late"}})

    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        put(ended)
    assert after.tables["Things"].items() == []
    put(warm)
    assert after.tables["Things"].items() == [{"id": "late"}]


def test_warm_environment_remembers(session: Session, unfinished: ApplicationUnderTest) -> None:
    """What a handler did to its own process stays, as in Lambda, until the process ends."""
    invoke(unfinished, "brood")
    unfinished.settle()

    following = session.begin("finds it warm")
    invoke(following, "now")
    following.settle()

    assert [told["MOOD"] for told in worker_told(following)] == ["dark"]


def test_nothing_grows_from_test_to_test(session: Session) -> None:
    """Neither threads, file descriptors and processes nor what Python holds, though each test leaves work behind."""

    def count() -> list[int]:
        application = session.begin("leaves work")
        gc.collect()
        processes = len(application.running._premises.environments.ids)
        counted = [threading.active_count(), len(os.listdir("/dev/fd")), processes, len(gc.get_objects())]
        with application.running.hold():
            assert application.api.get("/now").status == 200
            application.queues["Empty"].send("unread")
            start(application)
            until(lambda: any("Wait state" in line for line in application.running.story()), application)
        return counted

    held = [count() for _ in range(25)]

    print(f"threads, file descriptors, processes, objects: {held}")
    growth = [last - first for first, last in zip(held[4], held[24], strict=True)]
    assert [each < limit for each, limit in zip(growth, (10, 10, 10, 1000), strict=True)] == [True] * 4
