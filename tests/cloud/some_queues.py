"""Queues of an engine, made and looked into."""

from __future__ import annotations

from typing import Any

from penstock.cloud.engine import Engine

ACCOUNT = "123456789012"


def a_queue(engine: Engine, name: str, **attributes: str) -> str:
    """The URL of a new queue."""
    url: str = engine.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})["QueueUrl"]
    return url


def arn(name: str) -> str:
    """The ARN of a queue."""
    return f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}"


def received(engine: Engine, url: str) -> list[dict[str, Any]]:
    """The messages that wait in a queue."""
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    return list(engine.call("sqs", "ReceiveMessage", asked).get("Messages", []))
