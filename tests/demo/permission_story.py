"""One full demo and all that goes wrong beside it, so that every grant of the template is needed at least once."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock import application as application_module
from penstock.application import Application
from penstock.cloud.engine import Reply
from penstock.cloud.front_door import Call, Proceed
from penstock.cloud.policies.access import Access
from penstock.cloud.policies.guard import Denied
from penstock.composition import Event
from penstock.demo.orders import PACKAGED_FILE, read_orders
from penstock.demo.sender import Sender, signer
from penstock.template.models import Template
from penstock.template.reader import load

ORDERS = 8
LINE = {"stockCode": "22728", "quantity": 2, "unitPrice": "3.75", "invoicedAt": "2010-12-01T08:45:00"}


class Breakage:
    """An interceptor that answers some calls with an error that no client tries again."""

    def __init__(self) -> None:
        self.broken: dict[tuple[str, str], int] = {}
        """(caller, operation) → how many more calls fail."""

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """Fail, or go on."""
        key = (call.caller.name, call.operation)
        if not self.broken.get(key):
            return await proceed(call)
        self.broken[key] -= 1
        if call.service == "sns":
            error = (
                "<ErrorResponse><Error><Code>InvalidParameter</Code><Message>broken</Message></Error></ErrorResponse>"
            )
            return Reply(status=400, headers={"content-type": "text/xml"}, body=error.encode())
        headers = {"content-type": call.request.headers.get("content-type", "application/x-amz-json-1.1")}
        return Reply(status=400, headers=headers, body=b'{"__type":"ValidationException","message":"broken"}')


@contextmanager
def running(
    assembly: Path,
    *,
    change: Callable[[Template], Template] = lambda template: template,
    breakage: Breakage | None = None,
) -> Iterator[tuple[Application, list[Denied]]]:
    """The application with a changed template, and what was denied."""
    denied: list[Denied] = []

    def tell(event: Event) -> None:
        if isinstance(event, Denied):
            denied.append(event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application_module, "load", lambda path, **given: change(load(path, **given)))
        with Application.start(
            assembly, clock="jumping", seed=1, on_event=tell, interceptors=[breakage] if breakage else ()
        ) as application:
            yield application, denied


def ask(application: Application, method: str, path: str, body: Mapping[str, Any] | None = None) -> int:
    """The status of a signed request to the API."""
    url = application.api_url + path
    data = b"" if body is None else json.dumps(body).encode()
    headers = signer(application.caller_credentials, application.region)(method, url, data)
    request = urllib.request.Request(url, method=method, data=data or None, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def place(application: Application, order_id: str) -> int:
    """Post an order of one line."""
    order = {"orderId": order_id, "customerId": "17850", "country": "France", "lines": [LINE]}
    return ask(application, "POST", "/orders", order)


def publish(application: Application, detail_type: str, order_id: str) -> None:
    """Publish an event of an order as an operator would."""
    detail = {
        "eventId": f"by-hand-{detail_type}-{order_id}",
        "orderId": order_id,
        "version": 2,
        "status": "ACCEPTED",
        "kind": "order",
        "customerId": "17850",
        "customerKind": "registered",
        "country": "France",
        "placedAt": "2010-12-01T08:45:00",
        "total": "7.50",
        "itemCount": 2,
        "distinctProducts": 1,
    }
    entry = {
        "EventBusName": application.template.buses[0].name,
        "Source": "penstock.orders",
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
    }
    answer = application.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0


def full_demo(assembly: Path) -> tuple[list[Access], Sequence[Denied]]:
    """The accesses of orders sent, read, broken, repeated and unknown; what was denied (nothing should be)."""
    breakage = Breakage()
    with running(assembly, breakage=breakage) as (application, denied):
        breakage.broken["Notify", "Publish"] = 1  # Powertools then deletes its record
        invoices = read_orders(PACKAGED_FILE, limit=ORDERS).invoices
        sign = signer(application.caller_credentials, application.region)
        with application.hold():
            answers = Sender(api_url=application.api_url, sign=sign).send(invoices, on_answer=lambda _: None)
        application.settle()
        taken = next(iter(answers))
        for path in (f"/orders/{taken}", "/customers/17850/orders", "/statistics"):
            assert ask(application, "GET", path) == 200, path
        assert ask(application, "GET", "/nothing") == 404
        # Given up by one mapping of the stream and then by the other, so that the batches of both reach the bucket.
        for order_id, broken in (("uncounted", ("Summarize", "PutItem")), ("untold", ("Relay", "PutEvents"))):
            breakage.broken = {broken: 1_000}
            assert place(application, order_id) == 202
            application.settle()
        breakage.broken = {}
        publish(application, "OrderAccepted", taken)  # a second execution finds the order taken
        application.settle()
        publish(application, "OrderAccepted", taken)  # and the same event again finds its idempotency record
        publish(application, "OrderAccepted", "unheard-of")  # and an execution that finds no order reports it
        application.settle()
        return [access for access, decision in application.accesses.items() if decision.allowed], denied


def without_rules_grants(template: Template) -> Template:
    """Without what lets the bus send to queues and start the state machine, but with its dead-letter queues."""
    targets = {target.arn for rule in template.rules for target in rule.targets}
    roles = {target.role_arn for rule in template.rules for target in rule.targets}
    return replace(
        template,
        resource_policies={arn: each for arn, each in template.resource_policies.items() if arn not in targets},
        roles=tuple(replace(role, policies=()) if role.arn in roles else role for role in template.roles),
    )


def undelivered_events(assembly: Path) -> tuple[list[Access], Sequence[Denied], int]:
    """The accesses when the bus may deliver nothing; what was denied; how many events are in dead-letter queues."""
    with running(assembly, change=without_rules_grants) as (application, denied):
        publish(application, "OrderPlaced", "undelivered")
        publish(application, "OrderAccepted", "undelivered")
        application.settle()
        sqs = application.client("sqs")
        arns = {target.dead_letter_arn for rule in application.template.rules for target in rule.targets}
        urls = [queue.url for queue in application.template.queues if queue.arn in arns]
        messages = sum(len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) for url in urls)
        return [access for access, decision in application.accesses.items() if decision.allowed], denied, messages
