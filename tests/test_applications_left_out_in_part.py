"""An application of another team of which some does not run here: refused by name, and run without that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.application import Application
from penstock.errors import TemplateError

TEMPLATE = Path(__file__).parent / "applications" / "mixed" / "template.yaml"
GIVEN = {"Environment": "test"}
LEFT_OUT = ("Clicks", "FunctionsSecurityGroup", "Thumbnailer")


def test_fails_with_all_that_does_not_run() -> None:
    """The stream of another service, the security group and the Node function are named at once, with the way on."""
    with pytest.raises(TemplateError) as refused:
        Application.start(TEMPLATE, clock="jumping", parameters=GIVEN)

    message = str(refused.value)
    assert "Clicks (AWS::Kinesis::Stream): this type is not supported" in message
    assert "FunctionsSecurityGroup (AWS::EC2::SecurityGroup): this type is not supported" in message
    assert "Thumbnailer (AWS::Lambda::Function): the runtime nodejs22.x is not run here" in message
    assert tuple(re.findall("--skip ([^ ]+)", message)) == LEFT_OUT


@pytest.fixture(scope="module")
def albums() -> Iterator[Application]:
    """What is left of the application."""
    with Application.start(TEMPLATE, clock="jumping", seed=1, parameters=GIVEN, skip=LEFT_OUT) as application:
        yield application


def test_the_rest_runs(albums: Application) -> None:
    """The Python function counts what the table tells it, with a text for the stream that is not there."""
    client = albums.client("dynamodb")
    with albums.hold():
        for photo in ("1.jpg", "2.jpg"):
            item = {"album": {"S": "summer"}, "photo": {"S": photo}}
            client.put_item(TableName=albums.outputs["PhotosTable"], Item=item)
    albums.settle()

    (counted,) = client.scan(TableName=albums.outputs["AlbumsTable"])["Items"]

    assert counted == {
        "album": {"S": "summer"},
        "photos": {"N": "2"},
        "clicksGoTo": {"S": albums.outputs["ClicksStream"]},
    }


def test_rule_keeps_its_other_target(albums: Application) -> None:
    """The event goes to the queue; the target that led to the Node function is gone."""
    entry = {"Source": "albums.uploads", "DetailType": "Uploaded", "Detail": "{}"}
    albums.client("events").put_events(Entries=[entry])
    albums.settle()

    answer = albums.client("sqs").receive_message(QueueUrl=albums.outputs["AuditQueue"], MaxNumberOfMessages=10)

    assert len(answer["Messages"]) == 1
    assert albums.undelivered == ()


def test_what_is_left_out_is_told(albums: Application) -> None:
    """What was named, what hung on it, and what led to it: each with the reason."""
    told = {
        f"{each.logical_id} {each.property_path}".rstrip(): each.because.split("/")[1]
        for each in albums.template.left_out
        if not each.mentioned
    }

    assert told == {
        **{name: name for name in LEFT_OUT},
        **dict.fromkeys(
            ["ThumbnailerVersion", "ThumbnailerLive", "ThumbnailerFeed", "UploadsInvokeThumbnailer", "Uploads Targets"],
            "Thumbnailer",
        ),
    }
    verdicts = {(entry.logical_id, entry.how) for entry in albums.template.fidelity}
    assert ("Thumbnailer", "left out by --skip") in verdicts
    assert ("Counter", "a made-up text stands for template/Clicks, which --skip leaves out") in verdicts
