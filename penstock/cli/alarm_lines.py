"""The alarms that would have gone off, a line each, for the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.application import Application
    from penstock.cloud.cloudwatch.alarms import AlarmVerdict

_TEST_EVENT = '"s3:TestEvent"'
"""A bucket sends one to each queue that it is told to notify; so it lies there after every start, as in AWS after the
first deployment."""


def alarm_lines(application: Application) -> Iterator[str]:
    """What each alarm watched and says of itself, or that nothing but S3's test event raised it."""
    raised = [verdict for verdict in application.alarms() if verdict.in_alarm]
    harmless = {_occasion(verdict) for verdict in raised if _only_test_events(application, verdict)}
    for verdict in raised:
        said = verdict.description
        if _occasion(verdict) in harmless:
            said = "nothing but S3's own test event is there, which each start brings"
        yield f"alarm {verdict.label}: {verdict.metric} at {verdict.value:g}; {said}"


def _occasion(verdict: AlarmVerdict) -> tuple[str, float | None, int | None]:
    """What raised an alarm; a composite one shares it with the alarm that it is made of."""
    return verdict.metric, verdict.value, verdict.at_ms


def _only_test_events(application: Application, verdict: AlarmVerdict) -> bool:
    """Whether an alarm on the depth of a queue was raised by S3's test events alone, and they still lie there."""
    template = application.template
    watching = [each for each in template.resources.values() if each.logical_id == verdict.logical_id]
    dimensions = {each["Name"]: each["Value"] for alarm in watching for each in alarm.properties.get("Dimensions", ())}
    urls = [queue.url for queue in template.queues if queue.name == dimensions.get("QueueName")]
    if not urls:
        return False
    client: Any = application.client("sqs")
    found = client.receive_message(QueueUrl=urls[0], MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return bool(found) and all(_TEST_EVENT in message["Body"] for message in found)
