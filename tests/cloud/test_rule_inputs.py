"""What a target of a rule gets of an event."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from penstock.cloud.rule_inputs import at_path, payload_of
from tests.cloud.orders_bus import RULE, TARGET

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {
        "instance-id": "i-0123456789",
        "state": "RUNNING",
        "count": 2,
        "spot": False,
        "tags": ["a", "b"],
        "owner": {"name": "Ørsted"},
        "lines": [{"sku": "x"}, {"sku": "y"}],
    },
}
PATHS = {
    "timestamp": "$.time",
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "count": "$.detail.count",
    "spot": "$.detail.spot",
    "tags": "$.detail.tags",
    "owner": "$.detail.owner",
    "first": "$.resources[0]",
    "gone": "$.detail.nothing",
}
INGESTED = "2015-11-11T21:30:00Z"


def transformed(template: str) -> str:
    """What a template makes of the event."""
    target = replace(TARGET, input_transformer={"InputPathsMap": PATHS, "InputTemplate": template})
    return payload_of(target, RULE, EVENT, ingested_at=INGESTED)


@pytest.mark.parametrize(
    ("template", "output"),
    [
        # the examples of AWS's page
        ('"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'),
        (
            '"instance \\"<instance>\\" is in <state>"',
            '"instance \\"i-0123456789\\" is in RUNNING"',
        ),
        ('{\n  "instance" : <instance>,\n  "state": <state>\n}', '{"instance":"i-0123456789","state":"RUNNING"}'),
        (
            '{"instance": <instance>, "state": "<state>", "told": "instance \\"<instance>\\" is in <state>"}',
            '{"instance":"i-0123456789","state":"RUNNING","told":"instance \\"i-0123456789\\" is in RUNNING"}',
        ),
        (
            '{"instance" : <instance>, "state": [ 9, <state>, true ], "Transformed" : "Yes"}',
            '{"instance":"i-0123456789","state":[9,"RUNNING",true],"Transformed":"Yes"}',
        ),
        ('"<aws.events.rule-name> triggered"', '"placed triggered"'),
        # values that are no texts
        ('{"n": <count>, "b": <spot>, "l": <tags>}', '{"n":2,"b":false,"l":["a","b"]}'),
        ('{"o": <owner>}', '{"o":{"name":"Ørsted"}}'),
        ('{"n": "<count>", "l": "<tags>"}', '{"n":"2","l":"[\\"a\\",\\"b\\"]"}'),
        ('{"o": "it is <owner>"}', '{"o":"it is {\\"name\\":\\"Ørsted\\"}"}'),
        # a variable whose path leads nowhere
        ('{"gone": <gone>, "text": "it is <gone>"}', '{"gone":"","text":"it is "}'),
        ('"it is <gone>"', '"it is "'),
        # what is no variable name stays
        ('{"text": "1 < 2 > 0", "first": <first>}', f'{{"text":"1 < 2 > 0","first":"{EVENT["resources"][0]}"}}'),
    ],
)  # fmt: skip
def test_template_is_filled_as_documented(template: str, output: str) -> None:
    """Inside quotation marks a value appears bare, elsewhere as JSON; JSON is minified, a text stays as it is."""
    assert transformed(template) == output


def test_predefined_variables_are_known() -> None:
    """Rule, ingestion time and the event itself, without and with its detail."""
    template = (
        '{"arn": <aws.events.rule-arn>, "name": <aws.events.rule-name>, "at": <aws.events.event.ingestion-time>,'
        ' "event": <aws.events.event>, "whole": <aws.events.event.json>}'
    )

    made = json.loads(transformed(template))

    assert (made["arn"], made["name"], made["at"]) == (RULE.arn, RULE.name, INGESTED)
    assert made["event"] == {name: value for name, value in EVENT.items() if name != "detail"}
    assert made["whole"] == EVENT


@pytest.mark.parametrize(
    ("changes", "payload"),
    [
        ({}, json.dumps(EVENT, separators=(",", ":"), ensure_ascii=False)),
        ({"input": '{"a": 1}'}, '{"a": 1}'),
        ({"input_path": "$.detail.owner"}, '{"name":"Ørsted"}'),
        ({"input_path": "$.detail.tags[1]"}, '"b"'),
        ({"input_path": "$.nothing"}, "null"),
    ],
)
def test_target_gets_the_event_a_constant_or_a_part(changes: dict[str, Any], payload: str) -> None:
    """Without a transformer a target gets the event, its Input to the letter, or what is at its InputPath."""
    assert payload_of(replace(TARGET, **changes), RULE, EVENT, ingested_at=INGESTED) == payload


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.detail-type", EVENT["detail-type"]),
        ("$.detail.lines[*].sku", ["x", "y"]),
        ("$.detail.lines[1].sku", "y"),
        ("$.detail.lines[2].sku", None),
        ("$.detail.state.deeper", None),
        ("$.detail[0]", None),
    ],
)
def test_path_is_followed(path: str, value: object) -> None:
    """Names, indexes and wildcards; nothing at the end of a path that leads nowhere."""
    assert at_path(EVENT, path) == value
