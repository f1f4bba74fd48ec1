"""The bus: what PutEvents takes, which rules match, what targets get, what is retried and buried."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from penstock.cloud.bus import Bus, payload_of
from penstock.cloud.callers import Callers
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import EngineError, Request
from penstock.cloud.front_door import Call
from penstock.errors import TemplateError
from penstock.template.models import EventBus, Rule, RuleTarget

ARN = "arn:aws:sqs:us-east-1:123456789012:"
TARGET = RuleTarget(
    id="t",
    arn=ARN + "orders",
    role_arn=None,
    maximum_event_age_in_seconds=3600,
    maximum_retry_attempts=3,
    dead_letter_arn=ARN + "dead",
    input=None,
    input_path=None,
    input_transformer=None,
    message_group_id=None,
)
RULE = Rule(
    logical_id="Rule",
    stack="s",
    name="placed",
    arn="arn:aws:events:us-east-1:123456789012:rule/orders/placed",
    event_bus_name="orders",
    enabled=True,
    event_pattern={"detail-type": ["OrderPlaced"]},
    targets=(TARGET,),
)
BUS = EventBus(logical_id="B", stack="s", name="orders", arn="arn:aws:events:us-east-1:123456789012:event-bus/orders")
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


def publish(entries: list[dict[str, Any]], target: Target, *rules: Rule) -> tuple[int, dict[str, Any], Bus, int]:
    """Put events on a bus and wait until all is delivered: status, answer, the bus, skipped time."""

    async def go() -> tuple[int, dict[str, Any], Bus, int]:
        clock = JumpingClock()
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
        )
        caller = Callers(account_id="123456789012", seed="").operator
        body = json.dumps({"Entries": entries}).encode()
        headers = {"content-type": "application/x-amz-json-1.1"}
        request = Request(method="POST", path="/", query="", headers=headers, body=body)
        call = Call(caller=caller, service="events", operation="PutEvents", region="us-east-1", request=request)
        reply = await bus.put_events(call)
        await asyncio.wait_for(clock.settled(), 5)
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

    _, answer, _, _ = publish([entry(Detail="{"), entry(Source=""), entry()], target)

    assert [result.get("ErrorCode") for result in answer["Entries"]] == ["MalformedDetail", "InvalidArgument", None]
    assert answer["FailedEntryCount"] == 2
    assert len(target.taken) == 1


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ([], "ValidationException"),
        ([entry()] * 11, "ValidationException"),
        ([entry(Detail='{"a":"' + "x" * 262_144 + '"}')], "ValidationException"),
        ([entry(EventBusName="nowhere")], "ResourceNotFoundException"),
    ],
)
def test_whole_call_is_refused(entries: list[dict[str, Any]], error: str) -> None:
    """Too few, too many, too large, or for a bus that is not there."""
    status, answer, bus, _ = publish(entries, Target())

    assert (status, answer["__type"]) == (400, error)
    assert bus.published == []


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
    assert attributes["ERROR_CODE"] == "ThrottlingException"
    assert attributes["RETRY_ATTEMPTS"] == "3"


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


@pytest.mark.parametrize(
    ("changes", "payload"),
    [
        ({"input": '{"a":1}'}, '{"a":1}'),
        ({"input_path": "$.detail"}, '{"orderId": "1", "lines": [1, 2]}'),
        ({"input_path": "$.detail.lines[1]"}, "2"),
        ({"input_path": "$.nothing"}, "null"),
        (
            {
                "input_transformer": {
                    "InputPathsMap": {"id": "$.detail.orderId", "lines": "$.detail.lines"},
                    "InputTemplate": '{"text": "order <id> has <lines>", "id": <id>, "rule": "<aws.events.rule-name>"}',
                }
            },
            '{"text": "order 1 has [1, 2]", "id": "1", "rule": "placed"}',
        ),
    ],
)
def test_payload_is_made_as_the_target_says(changes: dict[str, Any], payload: str) -> None:
    """A target gets a constant, a part, or a text made from parts."""
    assert payload_of(replace(TARGET, **changes), RULE, EVENT) == payload
