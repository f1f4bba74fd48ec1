"""The alarms at the end of a run: each with what it says of itself, unless S3's own test event raised it."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from penstock.cli.alarm_lines import alarm_lines
from penstock.cloud.cloudwatch.alarms import AlarmVerdict

TEST_EVENT = '{"Service":"Amazon S3","Event":"s3:TestEvent"}'
DEPTH = AlarmVerdict(
    logical_id="Depth1", label="Failures/Depth", in_alarm=True, metric="m", value=1, at_ms=5, description="Look."
)
ALL = AlarmVerdict(
    logical_id="All2", label="All", in_alarm=True, metric="m", value=1, at_ms=5, description="Look at the others."
)
QUIET = AlarmVerdict(logical_id="Quiet", label="Quiet", in_alarm=False)


def application(*bodies: str) -> Any:
    """An application in which these messages lie in the queue that an alarm watches."""
    dimensions = {"Dimensions": [{"Name": "QueueName", "Value": "failures"}]}
    resources = {
        "s/Depth1": SimpleNamespace(logical_id="Depth1", properties=dimensions),
        "s/All2": SimpleNamespace(logical_id="All2", properties={}),
    }
    messages = {"Messages": [{"Body": body} for body in bodies]} if bodies else {}
    return cast(
        Any,
        SimpleNamespace(
            alarms=lambda: [ALL, QUIET, DEPTH],
            template=SimpleNamespace(resources=resources, queues=[SimpleNamespace(name="failures", url="u")]),
            client=lambda _: SimpleNamespace(receive_message=lambda **_: messages),
        ),
    )


@pytest.mark.parametrize("bodies", [("{}",), (TEST_EVENT, "{}"), ()], ids=["other", "both", "none"])
def test_alarm_is_told_with_its_own_words(bodies: tuple[str, ...]) -> None:
    """What else lies there, or lay there, is what the alarm is for."""
    assert list(alarm_lines(application(*bodies))) == [
        "alarm All: m at 1; Look at the others.",
        "alarm Failures/Depth: m at 1; Look.",
    ]


def test_alarm_on_the_test_event_is_told_as_such() -> None:
    """An alarm that each start raises frightens nobody, nor does the composite one that it is part of."""
    said = "nothing but S3's own test event is there, which each start brings"

    assert list(alarm_lines(application(TEST_EVENT))) == [
        f"alarm All: m at 1; {said}",
        f"alarm Failures/Depth: m at 1; {said}",
    ]
