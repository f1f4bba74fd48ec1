"""What one test leaves behind does not reach the next: nothing in flight, armed, broken or remembered."""

from __future__ import annotations

import time
from typing import Any

import pytest

from penstock.errors import BrokenInvariant
from penstock.testing import ApplicationUnderTest
from penstock.testing.plugin import Session


def weighed(application: ApplicationUnderTest, *names: str, **also: Any) -> list[str]:
    """Put parcels of these names, let all settle, and tell whose message came, in order."""
    for name in names:
        application.tables["Parcels"].put({"id": name, "grams": 5, **also})
    application.settle()
    return [message.body["id"] for message in application.queues["Weighed"].messages()]


def assert_untouched(session: Session) -> ApplicationUnderTest:
    """Begin the next test: it finds nothing, and everything works."""
    application = session.begin("the next test")
    assert application.tables["Parcels"].items() == []
    assert [message for name in application.queues for message in application.queues[name].messages()] == []
    assert application.running.calls.keys() <= {("operator", "dynamodb", "Scan")}
    assert (application.fault_log, application.records("Weigh")) == ((), [])
    assert application.metrics.sum("AWS/Lambda", "Invocations", FunctionName="Weigh") == 0
    assert weighed(application, "next") == ["next"]
    assert [(received.attempt, received.outcome) for received in application.records("Weigh")] == [(1, "done")]
    return application


def test_nothing_is_left_of_a_test(session: Session) -> None:
    """Items, messages, records, calls, metrics and the journal are gone; the environment is warm, as in Lambda."""
    first = session.begin("a test")
    assert weighed(first, "1", "2") == ["1", "2"]
    before = first.queues["Weighed"].messages()[-1].body["seen"]

    following = assert_untouched(session)

    assert following.queues["Weighed"].messages()[0].body["seen"] == before + 1
    assert following.running.tallies["Weigh"].cold_starts == 0


def test_ids_depend_on_the_test_alone(session: Session) -> None:
    """A test sees the same ids whatever ran before it, and no test sees those of another."""

    def event_ids(test: str) -> list[str]:
        application = session.begin(test)
        weighed(application, "1")
        return [received.record["eventID"] for received in application.records("Weigh")]

    first, other, again = event_ids("first"), event_ids("other"), event_ids("first")

    assert first == again
    assert first != other


def test_batch_in_flight_is_ended(session: Session) -> None:
    """A handler that would run for minutes is killed, not waited for, and nobody hears of it any more."""
    application = session.begin("leaves a batch in flight")
    application.tables["Parcels"].put({"id": "slow", "grams": 1, "sleeps": True})
    until = time.monotonic() + 300
    while not application.queues["Weighed"].messages():
        assert time.monotonic() < until, application.running.story()

    assert_untouched(session)


def test_batch_that_was_just_read_is_let_go(session: Session) -> None:
    """A test that ends at its last write leaves an invocation that has not begun yet: it never will."""
    for turn in range(20):
        application = session.begin(f"ends at its last write, {turn}")
        application.tables["Parcels"].put({"id": "1", "grams": 5})

    assert_untouched(session)


def test_killed_worker_is_replaced(session: Session) -> None:
    """A test that ends with its workers killed and a batch due for a retry leaves neither."""
    application = session.begin("kills its worker")
    application.faults({"kind": "process-killed", "caller": "Weigh", "operation": "SendMessage", "moment": "during"})
    application.tables["Parcels"].put({"id": "1", "grams": 5})
    until = time.monotonic() + 300
    while not application.fault_log:
        assert time.monotonic() < until, application.running.story()

    assert_untouched(session)


def test_armed_faults_are_disarmed(session: Session) -> None:
    """What was to go wrong in one test goes right in the next."""
    application = session.begin("arms faults")
    application.faults(
        {
            "kind": "error",
            "caller": "Weigh",
            "operation": "SendMessage",
            "code": "InvalidMessageContents",
        },
        {"kind": "invocation-failed", "function": "Weigh", "how": "raises", "when": {"every": 2}},
    )

    assert weighed(application, "1") == []

    assert_untouched(session)


def test_clock_never_goes_back(session: Session) -> None:
    """Time that one test let pass is past for the next one, in functions too; what was to happen then does not."""
    application = session.begin("lets days pass")
    forgotten = int(application.clock.now.timestamp()) + 3600
    application.tables["Parcels"].put({"id": "1", "grams": 5, "forgotten": forgotten})
    application.clock.advance(days=2)
    assert application.tables["Parcels"].items() == []
    then = application.clock.now

    following = assert_untouched(session)

    assert following.clock.now >= then
    assert following.queues["Weighed"].messages()[0].body["at"] >= then.timestamp()


def test_broken_run_is_mended(session: Session) -> None:
    """What broke inside is raised by the test that broke it, and by no other."""
    application = session.begin("breaks the run")

    def broken() -> None:
        raise RuntimeError("on purpose")

    application.running._loop.call_soon_threadsafe(broken)
    with pytest.raises(BrokenInvariant, match="on purpose"):
        application.settle()

    assert_untouched(session)


def test_held_clock_is_let_go(session: Session) -> None:
    """A test that made the clock stand by, and never let it go, does not hold the next one."""
    application = session.begin("holds the clock")
    holding = application.running.hold()
    holding.__enter__()
    application.tables["Parcels"].put({"id": "1", "grams": 9999})

    assert_untouched(session)
    holding.__exit__(None, None, None)
    assert_untouched(session)
