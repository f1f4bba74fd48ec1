"""The whole application, end to end: what a customer sees, what the cloud holds, what it took."""

import http.client
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from penstock.application import Application
from penstock.errors import TemplateError

LINE = {"stockCode": "22728", "quantity": 2, "unitPrice": "3.75", "invoicedAt": "2010-12-01T08:45:00"}


class Customer:
    """Speaks to the API as a developer's signed client."""

    def __init__(self, application: Application) -> None:
        self._url = application.api_url
        self._credentials = Credentials(*application.caller_credentials)
        self._region = application.region

    def ask(
        self, method: str, path: str, body: Any = None, *, signed: bool = True, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON body and headers of one request."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = AWSRequest(
            method, self._url + path, data=data, headers={"content-type": "application/json", **headers}
        )
        if signed:
            SigV4Auth(self._credentials, "execute-api", self._region).add_auth(request)
        connection = http.client.HTTPConnection(urlsplit(self._url).netloc, timeout=60)
        try:
            connection.request(method, path, body=data, headers=dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()


def order(order_id: str, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An order in the API's form."""
    whole = {"orderId": order_id, "customerId": "17850", "country": "France", "lines": lines or [LINE]}
    return {**whole, **fields}


@pytest.fixture(scope="module")
def application(cloud_assembly: Path) -> Iterator[Application]:
    """The application, started once, on a clock that jumps."""
    with Application.start(cloud_assembly, clock="jumping", seed=1) as running:
        yield running


@pytest.fixture(scope="module")
def customer(application: Application) -> Customer:
    """Somebody who orders."""
    return Customer(application)


def test_order_is_accepted_shipped_and_readable_everywhere(application: Application, customer: Customer) -> None:
    """One order passes the whole chain: judged, told, replicated, counted, packed, shipped."""
    before = len(application.published)
    status, answer, headers = customer.ask("POST", "/orders", order("chain-1"))
    assert (status, answer["status"], headers["location"]) == (202, "PLACED", "/orders/chain-1")
    for _ in range(6):  # a busy machine may need more than one wait; an idle one answers within the first
        _, judged, waited = customer.ask("GET", "/orders/chain-1", prefer="wait=5")
        if judged["status"] != "PLACED":
            break
    assert judged["status"] != "PLACED"
    assert waited["preference-applied"] == "wait=5"

    application.settle()

    _, shipped, _ = customer.ask("GET", "/orders/chain-1")
    assert (shipped["status"], shipped["version"], shipped["total"]) == ("SHIPPED", 4, "7.50")
    _, rows, _ = customer.ask("GET", "/customers/17850/orders")
    assert [row["version"] for row in rows["orders"] if row["orderId"] == "chain-1"] == [4]
    _, statistics, _ = customer.ask("GET", "/statistics")
    assert statistics["totals"]["order"]["count"] >= 1
    assert Decimal(statistics["totals"]["order"]["value"]) >= Decimal("7.50")
    told = [event.detail_type for event in application.published[before:] if event.detail["orderId"] == "chain-1"]
    assert told == ["OrderPlaced", "OrderAccepted", "OrderPacked", "OrderShipped"]


def test_order_of_the_readme_is_taken(customer: Customer) -> None:
    """The order that the README posts is one that the API takes."""
    shown = (Path(__file__).parent.parent / "docs" / "order.json").read_bytes()

    assert customer.ask("POST", "/orders", shown)[0] == 202


def test_run_is_measured_as_cloudwatch_would(application: Application, customer: Customer) -> None:
    """Functions by their labels, other resources by their logical ids, what handlers log, the alarms."""
    application.settle()
    before = application.tallies
    customer.ask("POST", "/orders", order("measured"))

    application.settle()

    metrics, after = application.metrics, application.tallies
    for label in ("Api", "Relay", "Enrich", "Notify", "Replicate"):
        assert after[label].invocations > before[label].invocations
        assert metrics.sum("AWS/Lambda", "Invocations", FunctionName=label) == after[label].invocations
        assert metrics.sum("AWS/Lambda", "Errors", FunctionName=label) == 0
    assert after["Enrich"].records - before["Enrich"].records == 1
    assert after["Enrich"].write_units - before["Enrich"].write_units == 3  # the order's, and two of idempotency
    assert metrics.statistic("Maximum", "AWS/Lambda", "IteratorAge", FunctionName="Relay") is not None
    (fulfilment,) = application.template.state_machines
    started = metrics.sum("AWS/States", "ExecutionsStarted", StateMachineArn=fulfilment.logical_id)
    assert started == metrics.sum("AWS/States", "ExecutionsSucceeded", StateMachineArn=fulfilment.arn) >= 1
    (api,) = application.template.apis
    assert metrics.sum("AWS/ApiGateway", "Count", ApiId=api.logical_id) >= 1
    for queue in application.template.queues:
        assert metrics.sum("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", QueueName=queue.logical_id) == 0
    for mapping in application.template.mappings:
        assert metrics.sum("AWS/Lambda", "InvokedEventCount", EventSourceMappingUUID=mapping.logical_id) >= 1
    logged = {metric.name for metric in metrics.list() if not metric.namespace.startswith("AWS/")}
    assert {"Requests", "Records", "Messages"} <= logged
    verdicts = {verdict.logical_id: verdict.in_alarm for verdict in application.alarms()}
    assert None not in verdicts.values()
    # S3 sent its test message, as it does in AWS when a notification is set: one alarm, and that of its part.
    went_off = sorted(logical_id for logical_id, in_alarm in verdicts.items() if in_alarm)
    assert [logical_id[:-8] for logical_id in went_off] == ["AlarmsFailures", "FailuresDeadLettersDepth"]


def test_return_is_accepted_but_not_shipped(application: Application, customer: Customer) -> None:
    """A return ends at ACCEPTED, with totals below zero."""
    customer.ask("POST", "/orders", order("C-back", {**LINE, "quantity": -2}))

    application.settle()

    _, back, _ = customer.ask("GET", "/orders/C-back")
    assert (back["status"], back["total"], back["kind"]) == ("ACCEPTED", "-7.50", "return")


def test_order_without_value_is_rejected_by_name(application: Application, customer: Customer) -> None:
    """Meaning is judged after the API, and the reason is there to read."""
    customer.ask("POST", "/orders", order("free", {**LINE, "unitPrice": "0.0"}))

    application.settle()

    _, rejected, _ = customer.ask("GET", "/orders/free")
    assert (rejected["status"], rejected["reason"]) == ("REJECTED", "no-value")


def test_same_order_again_gets_the_same_answer(customer: Customer) -> None:
    """An order may be repeated; other content under its id is a conflict."""
    first = customer.ask("POST", "/orders", order("again"))

    second = customer.ask("POST", "/orders", order("again"))
    conflict = customer.ask("POST", "/orders", order("again", country="Spain"))

    assert first[:2] == second[:2]
    assert (conflict[0], conflict[2]["content-type"]) == (409, "application/problem+json")


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
    customer: Customer, method: str, path: str, body: Any, status: int
) -> None:
    """Every refusal is a problem document with its status in it."""
    answered, problem, headers = customer.ask(method, path, body)

    assert (answered, problem["status"], headers["content-type"]) == (status, status, "application/problem+json")


def test_unsigned_request_is_forbidden(customer: Customer) -> None:
    """No route, not even the default one, answers a stranger."""
    for path in ("/orders/1", "/statistics", "/nothing"):
        assert customer.ask("GET", path, signed=False)[0] == 403


def test_mappings_settle_with_nothing_left(application: Application) -> None:
    """After settling, no mapping is busy and every invariant holds; queues are empty."""
    application.settle()

    sqs = application.client("sqs")
    for queue in application.template.queues:
        shown = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])["Attributes"]
        messages = sqs.receive_message(QueueUrl=queue.url).get("Messages", [])
        assert [m for m in messages if "s3:TestEvent" not in m["Body"]] == [], (queue.name, shown)


def test_reset_forgets_what_happened_and_keeps_what_is_warm(application: Application, customer: Customer) -> None:
    """No order, event, call, metric or id of before is left; address, credentials and environments are the same."""
    customer.ask("POST", "/orders", order("forgotten"))
    application.settle()
    url, credentials, before_ms = application.api_url, application.caller_credentials, application.now_ms()
    ids = {event.event_id for event in application.published}

    application.reset(seed=7)

    assert (application.api_url, application.caller_credentials) == (url, credentials)
    assert application.now_ms() >= before_ms
    assert (application.published, application.calls, application.tallies) == ([], {}, {})
    assert application.metrics.sum("AWS/Lambda", "Invocations", FunctionName="Api") == 0
    assert customer.ask("GET", "/orders/forgotten")[0] == 404
    assert application.tallies["Api"].cold_starts == 0
    customer.ask("POST", "/orders", order("remembered"))
    application.settle()
    _, shipped, _ = customer.ask("GET", "/orders/remembered")
    assert shipped["status"] == "SHIPPED"
    assert not ids & {event.event_id for event in application.published}


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
            Customer(running).ask("POST", "/orders", order("1"))

            with pytest.raises(TemplateError, match=r"RelayFunction.*Handler: handler handlers\.gone"):
                running.settle()
