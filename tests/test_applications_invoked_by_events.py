"""Applications of other people whose functions are invoked by topics, rules and buckets, end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.application import Application
from penstock.story.way import find

APPLICATIONS = Path(__file__).parent / "applications"


def items(application: Application, output: str) -> list[dict[str, Any]]:
    """The items of a table that an output names, as they are stored."""
    scanned = application.client("dynamodb").scan(TableName=application.outputs[output])
    return list(scanned["Items"])


def messages(application: Application, output: str) -> list[dict[str, Any]]:
    """The messages of a queue that an output names."""
    answer = application.client("sqs").receive_message(
        QueueUrl=application.outputs[output], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


# --- inline_yaml: table → stream → topic → rule --------------------------------------------------


@pytest.fixture(scope="module")
def inventory() -> Iterator[Application]:
    """Plain CloudFormation with inline code, after seven changes of its table.

    One is of an item that nobody can order, one is poison. That comes among others that are not announced: a batch
    that fails is repeated, and so is what it announces.
    """
    template = APPLICATIONS / "inline_yaml" / "template.yaml"
    ordinary, poisoned = {"bolt": 100, "nut": 2, "screw": 4, "antique-lamp": 1}, {"nail": 50, "ghost": -1, "rivet": 70}
    with Application.start(template, clock="jumping", seed=1, parameters={"LowStockThreshold": "4"}) as application:
        client = application.client("dynamodb")
        for stock in (ordinary, poisoned):
            for sku, quantity in stock.items():
                item = {"sku": {"S": sku}, "quantity": {"N": str(quantity)}}
                client.put_item(TableName=application.outputs["InventoryTableName"], Item=item)
            application.settle()
        yield application


def test_low_stock_is_reordered(inventory: Application) -> None:
    """Stream, topic and rule lead to one order, with what the parameter says is low; its neighbours are left alone."""
    (ordered,) = items(inventory, "ReordersTableName")

    assert (ordered["sku"], ordered["ordered"]) == ({"S": "nut"}, {"N": "98"})


def test_poison_record_reaches_its_destination(inventory: Application) -> None:
    """Alone, since batches are bisected, when its retries are used up."""
    (message,) = messages(inventory, "StockCheckFailuresUrl")

    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1
    assert record["DDBStreamBatchInfo"]["streamArn"] == inventory.template.tables[0].stream_arn


def test_failed_event_reaches_its_destination_after_two_retries(inventory: Application) -> None:
    """Three attempts in three minutes under one request id; the record has the event and the error."""
    (message,) = messages(inventory, "SupplierFailuresUrl")

    record = json.loads(message["Body"])
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 3)
    assert context["functionArn"].endswith(":function:supplier-function-dev:$LATEST")
    assert record["requestPayload"]["detail"] == {"sku": "antique-lamp", "missing": 99}
    assert record["responsePayload"]["errorMessage"] == "nobody makes antique-lamp any more"
    assert inventory.simulated_ms >= 180_000
    metrics = inventory.metrics
    for metric, expected in (("AsyncEventsReceived", 2), ("Invocations", 4), ("Errors", 3), ("AsyncEventsDropped", 1)):
        assert metrics.sum("AWS/Lambda", metric, FunctionName="SupplierFunction") == expected
    assert metrics.sum("AWS/Lambda", "AsyncEventsReceived", FunctionName="ReorderFunction") == 2


def test_nothing_was_denied(inventory: Application) -> None:
    """Inline and managed policies, and the permissions of topic and rule, suffice."""
    assert [access for access, decision in inventory.accesses.items() if not decision.allowed] == []
    assert inventory.undelivered == ()


# --- uploads: bucket → topic → queue → function, beside a stream ---------------------------------


@pytest.fixture(scope="module")
def uploads() -> Iterator[Application]:
    """Files come and go: two that are read, one that is no CSV, one that is not asked for, two that are removed."""
    with Application.start(APPLICATIONS / "uploads" / "template.json", clock="jumping", seed=1) as application:
        s3, bucket = application.client("s3"), application.outputs["bucket"]
        files = {
            "incoming/2024 report/ü+1.csv": b"a,1\nb,2",
            "incoming/short.csv": b"a,10",
            "incoming/broken.csv": b"a,b",
            "keep/other.csv": b"a,1",
        }
        for key, body in files.items():
            s3.put_object(Bucket=bucket, Key=key, Body=body)
        application.settle()
        for key in ("incoming/short.csv", "keep/other.csv"):
            s3.delete_object(Bucket=bucket, Key=key)
        application.settle()
        yield application


def test_upload_becomes_a_row_through_topic_and_queue(uploads: Application) -> None:
    """The key is found again; the file that was removed is forgotten by the function that the bucket invokes."""
    assert items(uploads, "files") == [
        {"file": {"S": "incoming/2024 report/ü+1.csv"}, "lines": {"N": "2"}, "total": {"N": "3"}}
    ]


def test_stream_beside_the_chain_counts_changes(uploads: Application) -> None:
    """Two rows came, one went."""
    counted = {item["change"]["S"]: item["files"]["N"] for item in items(uploads, "counts")}

    assert counted == {"INSERT": "2", "REMOVE": "1"}


def test_what_cannot_be_handled_is_among_the_dead_letters(uploads: Application) -> None:
    """The broken file's message after two receives, the event of the function that failed three times."""
    redriven, buried = sorted(messages(uploads, "deadLetters"), key=lambda message: "MessageAttributes" in message)

    notification = json.loads(json.loads(redriven["Body"])["Message"])
    assert notification["Records"][0]["s3"]["object"]["key"] == "incoming/broken.csv"
    assert json.loads(buried["Body"])["Records"][0]["s3"]["object"]["key"] == "keep/other.csv"
    attributes = {name: value["StringValue"] for name, value in buried["MessageAttributes"].items()}
    assert (attributes["ErrorCode"], attributes["ErrorMessage"]) == ("200", "keep/other.csv was to be kept")
    assert uploads.metrics.sum("AWS/Lambda", "Errors", FunctionName="forgetUpload") == 3


def test_object_that_could_not_be_handled_has_a_story(uploads: Application) -> None:
    """Found by its key: the removal, the three attempts of the function that it had invoked, and the dead letter."""
    (story,) = find(uploads.journal.facts(), f"{uploads.outputs['bucket']}/keep/other.csv")
    roots = [line.partition("  ")[2] for line in uploads.journal.stories() if line[:2].isdigit()]

    assert story.text == "s3:DeleteObject uploadsBucket/keep/other.csv, by operator"
    assert [(step.kind, step.attempt, step.outcome) for step in story.steps] == [
        ("invocation", 1, "failed"),
        ("invocation", 2, "failed"),
        ("invocation", 3, "failed"),
        ("destination", 0, "taken"),
    ]
    assert roots.count(story.text) == 1


def test_queue_is_told_once_that_notifications_are_set(uploads: Application) -> None:
    """S3's test event takes the way of all others, and the function has to know it."""
    sent = uploads.metrics.sum("AWS/SQS", "NumberOfMessagesSent", QueueName="uploadsQueue")

    assert sent == 4
