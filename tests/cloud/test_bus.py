"""The bus: what PutEvents takes, which rules match, what targets get, what is retried and buried."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent

from penstock.cloud.bus import Bus
from penstock.cloud.callers import Callers
from penstock.cloud.cloudwatch.metrics import Metrics
from penstock.cloud.engine import EngineError, Request
from penstock.cloud.front_door import Call
from penstock.errors import TemplateError
from penstock.template.models import Rule, RuleTarget
from tests.cloud.orders_bus import BUS, RULE, TARGET
from tests.standing_clock import StandingClock

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "i",
    "detail-type": "OrderPlaced",
    "source": "shop",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": ["r"],
    "detail": {"orderId": "1", "lines": [1, 2]},
}


class Target:
    """Takes events, after refusing some."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.taken: list[str] = []
        self.buried: list[tuple[str, str, Mapping[str, str]]] = []

    async def deliver(self, rule: Rule, target: RuleTarget, payload: str) -> None:
        """Take a payload or refuse it."""
        if self.refusals:
            raise EngineError(self.refusals.pop(0), "not now")
        self.taken.append(payload)

    async def bury(self, queue_arn: str, payload: str, attributes: Mapping[str, str]) -> None:
        """Take what was never delivered."""
        self.buried.append((queue_arn, payload, attributes))


def publish(
    entries: list[dict[str, Any]], target: Target, *rules: Rule, metrics: Metrics | None = None
) -> tuple[int, dict[str, Any], Bus, int]:
    """Put events on a bus and wait until all is delivered: status, answer, the bus, skipped time."""

    async def go() -> tuple[int, dict[str, Any], Bus, int]:
        clock = StandingClock()
        ids = iter(f"id-{n}" for n in range(100))
        bus = Bus(
            account_id="123456789012",
            region="us-east-1",
            buses=[BUS],
            rules=rules or [RULE],
            clock=clock,
            new_id=ids.__next__,
            deliver={"sqs": target.deliver},
            bury=target.bury,
            metrics=metrics,
        )
        caller = Callers(account_id="123456789012", seed="").operator
        body = json.dumps({"Entries": entries}).encode()
        headers = {"content-type": "application/x-amz-json-1.1"}
        request = Request(method="POST", path="/", query="", headers=headers, body=body)
        call = Call(caller=caller, service="events", operation="PutEvents", region="us-east-1", request=request)
        reply = await bus.put_events(call)
        await asyncio.wait_for(clock.settled(), 60)
        await bus.close()
        return reply.status, json.loads(reply.body), bus, clock.skipped_ms

    return asyncio.run(go())


def entry(**changes: Any) -> dict[str, Any]:
    """One entry of PutEvents."""
    whole = {"EventBusName": "orders", "Source": "shop", "DetailType": "OrderPlaced", "Detail": '{"orderId":"1"}'}
    return whole | changes


def test_matching_event_reaches_its_target() -> None:
    """A target gets the whole event with an id of its own."""
    target = Target()

    status, answer, bus, _ = publish([entry(), entry(DetailType="OrderShipped")], target)

    assert (status, answer) == (200, {"FailedEntryCount": 0, "Entries": [{"EventId": "id-0"}, {"EventId": "id-1"}]})
    assert [json.loads(text)["detail"] for text in target.taken] == [{"orderId": "1"}]
    assert set(json.loads(target.taken[0])) == set(EVENT)
    assert [event.detail_type for event in bus.published] == ["OrderPlaced", "OrderShipped"]


def test_disabled_rule_delivers_nothing() -> None:
    """A rule that is switched off is as good as none."""
    target = Target()

    publish([entry()], target, replace(RULE, enabled=False))

    assert target.taken == []


def test_entries_are_refused_one_by_one() -> None:
    """A bad entry fails alone and says why."""
    target = Target()

    _, answer, _, _ = publish([entry(Detail="{"), entry(Source=""), entry(Source="aws.s3"), entry()], target)

    told = [result.get("ErrorCode") for result in answer["Entries"]]
    assert told == ["MalformedDetail", "InvalidArgument", "NotAuthorizedForSourceException", None]
    assert answer["FailedEntryCount"] == 3
    assert len(target.taken) == 1


def test_services_publish_under_their_own_names() -> None:
    """A service of AWS may be the source of its own event, on the account's bus too; it is known by its principal."""

    async def go() -> tuple[Target, Bus]:
        clock, target = StandingClock(), Target()
        rule = replace(RULE, event_bus_name="default", event_pattern={"source": ["aws.s3"]})
        bus = Bus(
            account_id="123456789012",
            region="us-east-1",
            buses=[BUS],
            rules=[rule],
            clock=clock,
            new_id=lambda: "id",
            deliver={"sqs": target.deliver},
            bury=target.bury,
        )
        resources = ["arn:aws:s3:::bucket"]
        told = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": "{}", "Resources": resources}
        bus.emit(told, "s3.amazonaws.com")
        await asyncio.wait_for(clock.settled(), 60)
        await bus.close()
        return target, bus

    target, bus = asyncio.run(go())

    (event,) = map(json.loads, target.taken)
    assert (event["source"], event["detail-type"], event["resources"]) == (
        "aws.s3",
        "Object Created",
        ["arn:aws:s3:::bucket"],
    )
    assert [(event.bus_name, event.caller) for event in bus.published] == [("default", "s3.amazonaws.com")]


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ([], "ValidationException"),
        ([entry()] * 11, "ValidationException"),
        ([entry(Detail='{"a":"' + "x" * (1_048_577 - 23) + '"}')], "ValidationException"),
        ([entry(Detail='{"a":"' + "é" * 262_144 + '"}')] * 2, "ValidationException"),
    ],
)
def test_whole_call_is_refused(entries: list[dict[str, Any]], error: str) -> None:
    """Too few, too many, too large."""
    status, answer, bus, _ = publish(entries, Target())

    assert (status, answer["__type"]) == (400, error)
    assert bus.published == []


def test_call_of_the_full_size_is_taken() -> None:
    """The entries of a call may come to a mebibyte: source, type and detail in UTF-8."""
    target = Target()
    large = entry(Detail='{"a":"' + "x" * (1_048_576 - 23) + '"}')

    status, answer, _, _ = publish([large], target)

    assert (status, answer["FailedEntryCount"], len(target.taken)) == (200, 0, 1)


def test_delivery_is_repeated_with_growing_waits() -> None:
    """A target that is busy gets its event later, on the application's clock."""
    target = Target("ThrottlingException", "ThrottlingException")

    _, _, _, skipped_ms = publish([entry()], target)

    assert len(target.taken) == 1
    assert 2_500 < skipped_ms < 3_500
    assert target.buried == []


def test_undeliverable_event_goes_to_the_dead_letter_queue() -> None:
    """After the last retry the event is kept with the reason."""
    target = Target(*["ThrottlingException"] * 4)

    publish([entry()], target)

    ((queue_arn, payload, attributes),) = target.buried
    assert queue_arn == TARGET.dead_letter_arn
    assert json.loads(payload)["detail"] == {"orderId": "1"}
    assert attributes == {
        "RULE_ARN": RULE.arn,
        "TARGET_ARN": TARGET.arn,
        "ERROR_CODE": "THROTTLING",
        "ERROR_MESSAGE": "not now",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "3",
    }


def test_event_grows_too_old() -> None:
    """When the next retry would come too late, the age is what ended it."""
    target = Target(*["InternalError"] * 20)
    patient = replace(TARGET, maximum_event_age_in_seconds=60, maximum_retry_attempts=185)

    publish([entry()], target, replace(RULE, targets=(patient,)))

    ((_, _, attributes),) = target.buried
    # waits of 1, 2, 4, 8, 16 s; another 32 would pass the minute
    assert (attributes["EXHAUSTED_RETRY_CONDITION"], attributes["RETRY_ATTEMPTS"]) == ("MaximumEventAgeInSeconds", "5")
    assert attributes["ERROR_CODE"] == "ERROR_FROM_TARGET"


def test_event_for_no_bus_is_taken_and_dropped() -> None:
    """AWS answers with an id and drops it; here it is at least known to the run."""
    target = Target()

    status, answer, bus, _ = publish([entry(EventBusName="nowhere")], target)

    assert (status, answer["FailedEntryCount"], answer["Entries"]) == (200, 0, [{"EventId": "id-0"}])
    assert [lost.reason for lost in bus.undelivered] == ["there is no event bus nowhere"]
    assert (target.taken, bus.published) == ([], [])


def test_entry_without_a_bus_goes_to_the_default_one() -> None:
    """Rules of the default bus see what names no bus, or the default one by name or ARN."""
    target = Target()
    bare = entry()
    del bare["EventBusName"]
    arn = "arn:aws:events:us-east-1:123456789012:event-bus/default"

    publish(
        [bare, entry(EventBusName="default"), entry(EventBusName=arn), entry()],
        target,
        replace(RULE, event_bus_name="default"),
    )

    assert len(target.taken) == 3


def test_event_has_the_documented_structure() -> None:
    """What a target gets is an event as AWS documents it, by its own time, and Powertools reads it."""
    target = Target()
    rich = entry(Time=1_514_764_800, Resources=["arn:aws:s3:::b"], TraceHeader="Root=1-5e5ffb9e-0")

    publish([rich, entry()], target)

    timed, plain = map(json.loads, target.taken)
    for event in (timed, plain):
        assert {name: type(value) for name, value in event.items()} == {
            "version": str,
            "id": str,
            "detail-type": str,
            "source": str,
            "account": str,
            "time": str,
            "region": str,
            "resources": list,
            "detail": dict,
        }
        assert (event["version"], len(event["account"])) == ("0", 12)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    read = EventBridgeEvent(timed)
    assert (read.get_id, read.source, read.detail_type) == ("id-0", "shop", "OrderPlaced")
    assert (read.time, read.resources, read.detail) == ("2018-01-01T00:00:00Z", ["arn:aws:s3:::b"], {"orderId": "1"})


def test_same_entry_again_is_another_event() -> None:
    """The envelope's id is new at each publish."""
    target = Target()

    publish([entry(), entry()], target)

    assert len({json.loads(text)["id"] for text in target.taken}) == 2


def test_template_that_is_no_json_when_filled_is_not_delivered() -> None:
    """A quotation mark in a value breaks the JSON around it: the event is a dead letter at once."""
    target = Target()
    template = {"InputPathsMap": {"id": "$.detail.orderId"}, "InputTemplate": '{"text": "order <id>"}'}
    transformed = replace(TARGET, input_transformer=template)

    publish([entry(Detail='{"orderId":"a\\"b"}')], target, replace(RULE, targets=(transformed,)))

    ((_, payload, attributes),) = target.buried
    assert json.loads(payload)["detail"] == {"orderId": 'a"b'}
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("INVALID_JSON", "0")
    assert "EXHAUSTED_RETRY_CONDITION" not in attributes


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("AWS.SimpleQueueService.NonExistentQueue", "NO_RESOURCE"),
        ("StateMachineDoesNotExist", "NO_RESOURCE"),
        ("NotFound", "NO_RESOURCE"),
        ("AccessDeniedException", "NO_PERMISSIONS"),
        ("InvalidExecutionInput", "SDK_CLIENT_ERROR"),
    ],
)
def test_dead_letter_tells_why(code: str, told: str) -> None:
    """What no retry can help goes to the dead-letter queue at once, under the error code that AWS documents."""
    target = Target(code)

    publish([entry()], target)

    ((_, _, attributes),) = target.buried
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == (told, "0")
    assert "EXHAUSTED_RETRY_CONDITION" not in attributes


def test_hopeless_delivery_is_not_repeated() -> None:
    """A target that is gone or forbidden is not tried again."""
    target = Target("AccessDenied")

    _, _, _, skipped_ms = publish([entry()], target)

    assert len(target.buried) == 1
    assert skipped_ms == 0


def test_event_without_a_dead_letter_queue_is_noted() -> None:
    """What nobody takes is at least known to the run."""
    target = Target("AccessDenied")

    _, _, bus, _ = publish([entry()], target, replace(RULE, targets=(replace(TARGET, dead_letter_arn=None),)))

    assert [lost.target for lost in bus.undelivered] == [TARGET.arn]


def test_fails_when_a_target_cannot_be_reached() -> None:
    """A target of a service that is not simulated is refused by name."""
    kinesis = replace(TARGET, arn="arn:aws:kinesis:us-east-1:123456789012:stream/s")

    with pytest.raises(TemplateError, match=r"Rule\.Targets: target arn:aws:kinesis"):
        publish([entry()], Target(), replace(RULE, targets=(kinesis,)))


def test_invocations_of_a_rule_are_counted() -> None:
    """Retries are attempts of one invocation; what ends in the dead-letter queue has failed."""
    metrics = Metrics(now_ms=lambda: 0)
    target = Target("Throttling", *["Throttling"] * 4)

    publish([entry(), entry(DetailType="OrderShipped")], target, metrics=metrics)
    publish([entry()], Target(), metrics=metrics)

    names = ("MatchedEvents", "TriggeredRules", "InvocationAttempts", "RetryInvocationAttempts", "Invocations")
    ends = ("SuccessfulInvocationAttempts", "FailedInvocations", "InvocationsSentToDlq")
    counts = [metrics.sum("AWS/Events", name, RuleName="placed", EventBusName="orders") for name in (*names, *ends)]
    assert counts == [2, 2, 5, 3, 2, 1, 1, 1]


def test_rule_of_the_default_bus_is_counted_without_its_name() -> None:
    """RuleName alone means the default bus."""
    metrics = Metrics(now_ms=lambda: 0)

    publish([entry(EventBusName="default")], Target(), replace(RULE, event_bus_name="default"), metrics=metrics)

    assert metrics.sum("AWS/Events", "Invocations", RuleName="placed") == 1
