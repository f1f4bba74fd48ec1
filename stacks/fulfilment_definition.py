"""The states of the fulfilment, in the Amazon States Language.

Claim ─▶ Packing ─▶ Ship ─▶ Shipped. Each update is conditional. An update that finds its condition false may have
been made by this very execution, whose answer was lost, so the order is read and judged: ours, then go on; another's
claim, then this event was a repetition and all is done; neither, then it is reported. What fails after its retries
is reported, too, and the execution fails.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

_CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
_OUR_NAME = {"S.$": "$$.Execution.Id"}
_ORDER_KEY = {"order_id": {"S.$": "$.detail.orderId"}}
# A false condition is an answer, not a fault. The rest is tried for about two minutes: 2, 4, 8, 16, 32, 64 seconds.
_RETRY = [
    {"ErrorEquals": [_CONDITION_FAILED], "MaxAttempts": 0},
    {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2},
]
_RETRY_ALL = _RETRY[1:]
# What is billed for an order that goes its way: Claim, Packing, Ship, Shipped, and the start.
TRANSITIONS = 5


def fulfilment_definition(
    scope: IConstruct, *, orders: dynamodb.ITable, failures: sqs.IQueue, packing_seconds: int
) -> str:
    """Write the definition as JSON text; its input is the event as the bus carries it."""
    return Stack.of(scope).to_json_string(
        {
            "Comment": "Packs and ships one accepted order.",
            "StartAt": "Claim",
            "States": {
                "Claim": _update(
                    orders,
                    status="PACKED",
                    condition="#status = :from AND attribute_not_exists(#execution)",
                    from_status="ACCEPTED",
                    in_vain="ReadClaim",
                    following="Packing",
                ),
                "ReadClaim": _read(orders, following="JudgeClaim"),
                "JudgeClaim": {
                    "Type": "Choice",
                    "Choices": [
                        {"And": [_taken(), _ours()], "Next": "Packing"},
                        {**_taken(), "Next": "AlreadyTaken"},
                    ],
                    "Default": "Report",
                },
                "AlreadyTaken": {"Type": "Succeed"},
                "Packing": {"Type": "Wait", "Seconds": packing_seconds, "Next": "Ship"},
                "Ship": _update(
                    orders,
                    status="SHIPPED",
                    condition="#status = :from AND #execution = :execution",
                    from_status="PACKED",
                    in_vain="ReadShipment",
                    following="Shipped",
                ),
                "ReadShipment": _read(orders, following="JudgeShipment"),
                "JudgeShipment": {
                    "Type": "Choice",
                    "Choices": [
                        {
                            "And": [
                                _taken(),
                                _ours(),
                                {"Variable": "$.found.order.Item.status.S", "StringEquals": "SHIPPED"},
                            ],
                            "Next": "Shipped",
                        }
                    ],
                    "Default": "Report",
                },
                "Shipped": {"Type": "Succeed"},
                "Report": _report(failures),
                "Failed": {
                    "Type": "Fail",
                    "Error": "FulfilmentFailed",
                    "Cause": "The queue of failures holds the input of this execution with its error.",
                },
            },
        }
    )


def _integration(service: str, action: str) -> str:
    return f"arn:{Aws.PARTITION}:states:::{service}:{action}"


def _update(
    orders: dynamodb.ITable, *, status: str, condition: str, from_status: str, in_vain: str, following: str
) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": _integration("dynamodb", "updateItem"),
        "Parameters": {
            "TableName": orders.table_name,
            "Key": _ORDER_KEY,
            "UpdateExpression": "SET #status = :to, #execution = :execution, #version = #version + :one",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#status": "status", "#execution": "execution", "#version": "version"},
            "ExpressionAttributeValues": {
                ":from": {"S": from_status},
                ":to": {"S": status},
                ":execution": _OUR_NAME,
                ":one": {"N": "1"},
            },
        },
        # Beside the event, which later states need. (The CDK drops a ResultPath of null from its JSON.)
        "ResultPath": "$.updated",
        "Retry": _RETRY,
        "Catch": [{"ErrorEquals": [_CONDITION_FAILED], "ResultPath": "$.error", "Next": in_vain}, _catch_all()],
        "Next": following,
    }


def _read(orders: dynamodb.ITable, *, following: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": _integration("dynamodb", "getItem"),
        "Parameters": {
            "TableName": orders.table_name,
            "Key": _ORDER_KEY,
            "ConsistentRead": True,
            # An item may have 400 KB, the data of a state 256.
            "ProjectionExpression": "#status, #execution",
            "ExpressionAttributeNames": {"#status": "status", "#execution": "execution"},
        },
        # Our name beside the order's: moto compares two paths of the data, not one with the context object.
        "ResultSelector": {"order.$": "$", "us.$": "$$.Execution.Id"},
        "ResultPath": "$.found",
        "Retry": _RETRY_ALL,
        "Catch": [_catch_all()],
        "Next": following,
    }


def _report(failures: sqs.IQueue) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": _integration("sqs", "sendMessage"),
        "Parameters": {
            "QueueUrl": failures.queue_url,
            "MessageBody": {"executionId.$": "$$.Execution.Id", "orderId.$": "$.detail.orderId", "input.$": "$"},
        },
        "Retry": _RETRY_ALL,
        "Next": "Failed",
    }


def _catch_all() -> dict[str, Any]:
    return {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Report"}


def _taken() -> dict[str, Any]:
    return {"Variable": "$.found.order.Item.execution.S", "IsPresent": True}


def _ours() -> dict[str, Any]:
    return {"Variable": "$.found.order.Item.execution.S", "StringEqualsPath": "$.found.us"}
