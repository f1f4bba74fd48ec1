"""The states of the fulfilment: what each one asks, tries again and does when it fails."""

import json
from typing import Any

import pytest

from tests.stacks.synthesized import Synthesized

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"


@pytest.fixture(scope="module")
def definition(dev: Synthesized) -> dict[str, Any]:
    """The definition of dev, its tokens replaced by names."""
    parts = dev.only("AWS::StepFunctions::StateMachine")["DefinitionString"]["Fn::Join"][1]
    words = {"AWS::Partition": "aws"}
    text = "".join(
        part
        if isinstance(part, str)
        else words.get(part.get("Ref"), "Orders" if "Fn::ImportValue" in part else "Queue")
        for part in parts
    )
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def tasks(definition: dict[str, Any]) -> dict[str, Any]:
    """The states that call AWS, by name."""
    return {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}


def test_order_is_claimed_packed_and_shipped(definition: dict[str, Any]) -> None:
    """The way of an order that meets no trouble."""
    name, way = definition["StartAt"], []
    while name:
        way.append((name, definition["States"][name]["Type"]))
        name = definition["States"][name].get("Next")

    assert way == [("Claim", "Task"), ("Packing", "Wait"), ("Ship", "Task"), ("Shipped", "Succeed")]


def test_no_state_calls_a_function(definition: dict[str, Any]) -> None:
    """The fulfilment speaks to DynamoDB and SQS itself."""
    assert {state["Resource"] for state in tasks(definition).values()} == {
        "arn:aws:states:::dynamodb:updateItem",
        "arn:aws:states:::dynamodb:getItem",
        "arn:aws:states:::sqs:sendMessage",
    }


def test_claim_wants_an_accepted_order_without_a_name(definition: dict[str, Any]) -> None:
    """Only an accepted order that no execution has claimed is packed, and it carries our name from then on."""
    parameters = definition["States"]["Claim"]["Parameters"]

    assert parameters["ConditionExpression"] == "#status = :from AND attribute_not_exists(#execution)"
    assert parameters["ExpressionAttributeValues"] == {
        ":from": {"S": "ACCEPTED"},
        ":to": {"S": "PACKED"},
        ":execution": {"S.$": "$$.Execution.Id"},
        ":one": {"N": "1"},
    }


def test_ship_wants_our_packed_order(definition: dict[str, Any]) -> None:
    """Only an order that this execution packed is shipped."""
    parameters = definition["States"]["Ship"]["Parameters"]

    assert parameters["ConditionExpression"] == "#status = :from AND #execution = :execution"
    assert parameters["ExpressionAttributeValues"][":from"] == {"S": "PACKED"}
    assert parameters["ExpressionAttributeValues"][":to"] == {"S": "SHIPPED"}


def test_updates_raise_the_version(definition: dict[str, Any]) -> None:
    """Past the relay only the version orders, so every change of status raises it."""
    for name in ("Claim", "Ship"):
        assert "#version = #version + :one" in definition["States"][name]["Parameters"]["UpdateExpression"]


def test_a_false_condition_is_judged_and_not_tried_again(definition: dict[str, Any]) -> None:
    """A false condition leads to a consistent read: the update may be ours, its answer lost."""
    for name, read in (("Claim", "ReadClaim"), ("Ship", "ReadShipment")):
        state = definition["States"][name]

        assert state["Retry"][0] == {"ErrorEquals": [CONDITION_FAILED], "MaxAttempts": 0}
        assert state["Catch"][0] == {"ErrorEquals": [CONDITION_FAILED], "ResultPath": "$.error", "Next": read}
        assert definition["States"][read]["Parameters"]["ConsistentRead"] is True


def test_reads_fetch_only_what_is_judged(definition: dict[str, Any]) -> None:
    """An item may be larger than the data of a state."""
    for name in ("ReadClaim", "ReadShipment"):
        parameters = definition["States"][name]["Parameters"]

        assert parameters["ProjectionExpression"] == "#status, #execution"


def test_every_task_is_tried_again_with_backoff(definition: dict[str, Any]) -> None:
    """Each call to AWS is retried, each time later."""
    for state in tasks(definition).values():
        retry = state["Retry"][-1]

        assert retry["ErrorEquals"] == ["States.ALL"]
        assert retry["MaxAttempts"] > 1
        assert retry["BackoffRate"] > 1


def test_what_fails_is_reported_before_the_execution_fails(definition: dict[str, Any]) -> None:
    """Every other failure goes to the queue of failures, with the whole input, and then the execution fails."""
    for name, state in tasks(definition).items():
        if name != "Report":
            assert state["Catch"][-1] == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Report"}
    report = definition["States"]["Report"]

    assert report["Parameters"]["MessageBody"]["input.$"] == "$"
    assert definition["States"][report["Next"]]["Type"] == "Fail"


def test_an_order_of_another_execution_is_left_alone(definition: dict[str, Any]) -> None:
    """Ours goes on, another's ends well, and what is neither is reported."""
    judge = definition["States"]["JudgeClaim"]

    assert [choice["Next"] for choice in judge["Choices"]] == ["Packing", "AlreadyTaken"]
    assert judge["Default"] == "Report"
    assert definition["States"]["AlreadyTaken"]["Type"] == "Succeed"


def test_the_event_stays_the_data_of_every_state(definition: dict[str, Any]) -> None:
    """No result replaces the event, which each later state reads the order's id from."""
    for name, state in tasks(definition).items():
        if name != "Report":
            assert state["ResultPath"].startswith("$.")
