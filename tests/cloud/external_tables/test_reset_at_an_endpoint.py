"""An application with its tables at another endpoint begins anew there, too."""

from __future__ import annotations

import time
from pathlib import Path

from penstock.application import Application
from penstock.testing import ApplicationUnderTest
from tests.cloud.external_tables.test_demo_at_an_endpoint import tables_at

PARCELS = Path(__file__).parents[2] / "testing" / "parcels.yaml"


def test_items_are_gone_after_a_reset(another_dynamodb: str) -> None:
    """What was written before is not there any more, is not read from the stream again, and its batch is ended."""
    with Application.start(PARCELS, clock="jumping", dynamodb_endpoint=another_dynamodb) as running:
        application = ApplicationUnderTest(running, {})
        for name, also in {"before": {}, "in flight": {"sleeps": True}}.items():
            application.tables["Parcels"].put({"id": name, "grams": 5, **also})
        until = time.monotonic() + 120
        while "in flight" not in [message.body["id"] for message in application.queues["Weighed"].messages()]:
            assert time.monotonic() < until, running.story()

        running.reset()
        application = ApplicationUnderTest(running, {})

        assert application.tables["Parcels"].items() == []
        application.tables["Parcels"].put({"id": "after", "grams": 5})
        application.settle()
        assert [parcel["id"] for parcel in application.tables["Parcels"].items()] == ["after"]
        assert [message.body["id"] for message in application.queues["Weighed"].messages()] == ["after"]
        received = [each.record["dynamodb"]["Keys"]["id"]["S"] for each in application.records("Weigh")]
        assert received == ["after"]

    assert tables_at(another_dynamodb) == []
