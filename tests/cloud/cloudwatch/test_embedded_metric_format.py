"""The embedded metric format: what counts as metrics in a log, and what is just a line."""

import json
from typing import Any

import pytest

from penstock.cloud.cloudwatch.embedded_metric_format import LoggedValue, values_in


def document(**changes: Any) -> dict[str, Any]:
    """The document of the specification's example, more or less."""
    directive = {
        "Namespace": "shop",
        "Dimensions": [["service"], []],
        "Metrics": [{"Name": "Orders", "Unit": "Count"}, {"Name": "Sizes"}],
    }
    return {
        "_aws": {"Timestamp": 1574109732004, "CloudWatchMetrics": [directive | changes]},
        "service": "api",
        "Orders": 2,
        "Sizes": [1.5, 3],
    }


def test_every_set_of_dimensions_gets_every_value() -> None:
    """One value each, lists one by one, in the set of no dimensions too."""
    values = list(values_in(json.dumps(document())))

    def value(name: str, unit: str, number: float, dimensions: dict[str, str]) -> LoggedValue:
        return LoggedValue(namespace="shop", name=name, unit=unit, value=number, dimensions=dimensions)

    assert values == [
        value("Orders", "Count", 2, {"service": "api"}),
        value("Sizes", "None", 1.5, {"service": "api"}),
        value("Sizes", "None", 3, {"service": "api"}),
        value("Orders", "Count", 2, {}),
        value("Sizes", "None", 1.5, {}),
        value("Sizes", "None", 3, {}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        'not JSON "_aws"',
        '["_aws"]',
        json.dumps({"_aws": 1}),
        json.dumps({"_aws": {"CloudWatchMetrics": [1]}}),
        json.dumps(document(Namespace=None)),
        json.dumps(document(Metrics=[{"Unit": "Count"}])),
        json.dumps(document(Metrics=[{"Name": "Orders"}] * 101)),
        json.dumps(document(Dimensions="service")),
        json.dumps(document(Dimensions=[["service"] * 31])),
        json.dumps(document(Dimensions=[["missing"]])),
        json.dumps(document(Metrics=[{"Name": "Missing"}])),
        json.dumps(document() | {"Orders": True, "Sizes": [1] * 101}),
        json.dumps(document() | {"Orders": "2", "Sizes": ["1"]}),
    ],
)
def test_line_that_breaks_the_format_holds_no_metrics(text: str) -> None:
    """It is a log line like any other."""
    assert list(values_in(text)) == []
