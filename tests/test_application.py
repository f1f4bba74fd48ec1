"""The whole application, end to end: what a customer sees, what the cloud holds, what it took."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from penstock.application import Application
from penstock.errors import TemplateError
from penstock.testing import ApplicationUnderTest

LINE = {"stockCode": "22728", "quantity": 2, "unitPrice": "3.75", "invoicedAt": "2010-12-01T08:45:00"}


def order(order_id: str, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An order in the API's form."""
    whole = {"orderId": order_id, "customerId": "17850", "country": "France", "lines": lines or [LINE]}
    return {**whole, **fields}


def test_order_is_accepted_shipped_and_readable_everywhere(application: ApplicationUnderTest) -> None:
    """One order passes the whole chain: judged, told, replicated, counted, packed, shipped."""
    placed = application.api.post("/orders", json=order("1"))
    assert (placed.status, placed.json["status"], placed.headers["location"]) == (202, "PLACED", "/orders/1")
    for _ in range(6):  # a busy machine may need more than one wait; an idle one answers within the first
        judged = application.api.get("/orders/1", headers={"prefer": "wait=5"})
        if judged.json["status"] != "PLACED":
            break
    assert judged.json["status"] != "PLACED"
    assert judged.headers["preference-applied"] == "wait=5"

    application.settle()

    shipped = application.api.get("/orders/1").json
    assert (shipped["status"], shipped["version"], shipped["total"]) == ("SHIPPED", 4, "7.50")
    rows = application.api.get("/customers/17850/orders").json["orders"]
    assert [(row["orderId"], row["version"]) for row in rows] == [("1", 4)]
    totals = application.api.get("/statistics").json["totals"]["order"]
    assert (totals["count"], Decimal(totals["value"])) == (1, Decimal("7.50"))
    told = [event.detail_type for event in application.running.published]
    assert told == ["OrderPlaced", "OrderAccepted", "OrderPacked", "OrderShipped"]


def test_order_of_the_readme_is_taken(application: ApplicationUnderTest) -> None:
    """The order that the README posts is one that the API takes."""
    shown = (Path(__file__).parent.parent / "docs" / "order.json").read_bytes()

    assert application.api.post("/orders", json=shown).status == 202


def test_run_is_measured_as_cloudwatch_would(application: ApplicationUnderTest) -> None:
    """Functions by their labels, other resources by their logical ids, what handlers log, the alarms."""
    application.api.post("/orders", json=order("1"))

    application.settle()

    metrics, template, tallies = application.metrics, application.running.template, application.running.tallies
    for label in ("Api", "Relay", "Enrich", "Notify", "Replicate"):
        assert metrics.sum("AWS/Lambda", "Invocations", FunctionName=label) == tallies[label].invocations >= 1
        assert metrics.sum("AWS/Lambda", "Errors", FunctionName=label) == 0
    assert tallies["Enrich"].records == 1
    assert tallies["Enrich"].write_units == 3  # the order's, and two of idempotency
    assert metrics.statistic("Maximum", "AWS/Lambda", "IteratorAge", FunctionName="Relay") is not None
    (fulfilment,) = template.state_machines
    started = metrics.sum("AWS/States", "ExecutionsStarted", StateMachineArn=fulfilment.logical_id)
    assert started == metrics.sum("AWS/States", "ExecutionsSucceeded", StateMachineArn=fulfilment.arn) == 1
    (api,) = template.apis
    assert metrics.sum("AWS/ApiGateway", "Count", ApiId=api.logical_id) == 1
    for queue in template.queues:
        assert metrics.sum("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", QueueName=queue.logical_id) == 0
    for mapping in template.mappings:
        assert metrics.sum("AWS/Lambda", "InvokedEventCount", EventSourceMappingUUID=mapping.logical_id) >= 1
    logged = {metric.name for metric in metrics.list() if not metric.namespace.startswith("AWS/")}
    assert {"Requests", "Records", "Messages"} <= logged
    verdicts = {verdict.logical_id: verdict.in_alarm for verdict in application.running.alarms()}
    assert None not in verdicts.values()
    # S3 sent its test message, as it does in AWS when a notification is set: one alarm, and that of its part.
    went_off = sorted(logical_id for logical_id, in_alarm in verdicts.items() if in_alarm)
    assert [logical_id[:-8] for logical_id in went_off] == ["AlarmsFailures", "FailuresDeadLettersDepth"]


def test_return_is_accepted_but_not_shipped(application: ApplicationUnderTest) -> None:
    """A return ends at ACCEPTED, with totals below zero."""
    application.api.post("/orders", json=order("C-back", {**LINE, "quantity": -2}))

    application.settle()

    back = application.api.get("/orders/C-back").json
    assert (back["status"], back["total"], back["kind"]) == ("ACCEPTED", "-7.50", "return")


def test_order_without_value_is_rejected_by_name(application: ApplicationUnderTest) -> None:
    """Meaning is judged after the API, and the reason is there to read."""
    application.api.post("/orders", json=order("free", {**LINE, "unitPrice": "0.0"}))

    application.settle()

    rejected = application.api.get("/orders/free").json
    assert (rejected["status"], rejected["reason"]) == ("REJECTED", "no-value")


def test_same_order_again_gets_the_same_answer(application: ApplicationUnderTest) -> None:
    """An order may be repeated; other content under its id is a conflict."""
    first = application.api.post("/orders", json=order("1"))

    second = application.api.post("/orders", json=order("1"))
    conflict = application.api.post("/orders", json=order("1", country="Spain"))

    assert (first.status, first.body) == (second.status, second.body)
    assert (conflict.status, conflict.headers["content-type"]) == (409, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/orders", b"{", 400),
        ("POST", "/orders", {"orderId": 1}, 400),
        ("POST", "/orders", {"orderId": "x", "country": "France", "lines": []}, 400),
        ("POST", "/orders", b'{"a":"' + b"x" * 1_048_600 + b'"}', 413),
        ("GET", "/orders/unheard-of", None, 404),
        ("GET", "/nothing/here", None, 404),
    ],
)
def test_bad_request_gets_a_problem_document(
    application: ApplicationUnderTest, method: str, path: str, body: Any, status: int
) -> None:
    """Every refusal is a problem document with its status in it."""
    answer = application.api.request(method, path, json=body)

    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


def test_unsigned_request_is_forbidden(application: ApplicationUnderTest) -> None:
    """No route, not even the default one, answers a stranger."""
    for path in ("/orders/1", "/statistics", "/nothing"):
        assert application.api.get(path, as_=None).status == 403


def test_mappings_settle_with_nothing_left(application: ApplicationUnderTest) -> None:
    """After settling, no mapping is busy and every invariant holds; queues are empty."""
    application.api.post("/orders", json=order("1"))

    application.settle()

    held = {name: [message.body for message in application.queues[name].messages()] for name in application.queues}
    (tested,) = held.pop("Failures/DeadLetters")
    assert tested["Event"] == "s3:TestEvent"
    assert len(held) == len(application.queues) - 1
    assert not any(held.values()), held


def test_reset_forgets_what_happened_and_keeps_what_is_warm(application: ApplicationUnderTest) -> None:
    """No order, event, call, metric or id of before is left; address, credentials and environments are the same."""
    application.api.post("/orders", json=order("1"))
    application.settle()
    running, url = application.running, application.api.url
    credentials, before_ms = running.caller_credentials, running.now_ms()
    ids = {event.event_id for event in running.published}

    running.reset()

    assert (application.api.url, running.caller_credentials) == (url, credentials)
    assert running.now_ms() >= before_ms
    assert (running.published, running.calls, running.tallies) == ([], {}, {})
    assert application.metrics.sum("AWS/Lambda", "Invocations", FunctionName="Api") == 0
    assert application.api.get("/orders/1").status == 404
    assert running.tallies["Api"].cold_starts == 0
    application.api.post("/orders", json=order("1"))
    application.settle()
    assert application.api.get("/orders/1").json["status"] == "SHIPPED"
    assert not ids & {event.event_id for event in running.published}


def test_fails_when_a_handler_cannot_be_imported(cloud_assembly: Path, tmp_path: Path) -> None:
    """A handler that is not in its asset ends the run with the function's name and the asset's place."""
    broken = tmp_path / "cdk.out"
    broken.symlink_to(cloud_assembly, target_is_directory=True)
    from dataclasses import replace

    from penstock import application as module
    from penstock.template.reader import load

    def load_broken(path: Path, **given: Any) -> Any:
        template = load(path, **given)
        functions = tuple(
            replace(function, handler="handlers.gone.lambda_handler") if "Relay" in function.logical_id else function
            for function in template.functions
        )
        return replace(template, functions=functions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load", load_broken)
        with Application.start(broken, clock="jumping") as running:
            ApplicationUnderTest(running, {}).api.post("/orders", json=order("1"))

            with pytest.raises(TemplateError, match=r"RelayFunction.*Handler: handler handlers\.gone"):
                running.settle()
