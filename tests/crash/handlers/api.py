"""`api`: each order is placed once, and every request is answered as if nothing had happened.

Order 200 is judged meanwhile, and stays so.
"""

from __future__ import annotations

import json
from typing import Any

from tests.crash.cloud import Cloud
from tests.crash.faults import Layout
from tests.crash.shop import document, item, request, row
from tests.crash.sources import Customers, Source
from tests.crash.subject import Deployed, Subject, read
from tests.crash.verdict import Effects


def _event(route: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    event = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "stage": "$default",
            "http": {"method": route.partition(" ")[0], "path": path},
            "authorizer": {"iam": {}},
        },
        "isBase64Encoded": False,
        **more,
    }
    return event if body is None else event | {"body": json.dumps(body)}


def _place(body: dict[str, Any]) -> dict[str, Any]:
    return _event("POST /orders", "/orders", body)


REQUESTS = (
    (
        ("place 100", _place(request("100"))),
        ("place 100 again", _place(request("100"))),
        ("place another 100", _place(request("100", country="Spain"))),
        ("show 400", _event("GET /orders/{orderId}", "/orders/400", pathParameters={"orderId": "400"})),
    ),
    (
        ("place 200", _place(request("200"))),
        ("place 100 too", _place(request("100"))),
        (
            "list orders",
            _event(
                "GET /customers/{customerId}/orders",
                "/customers/17850/orders",
                pathParameters={"customerId": "17850"},
            ),
        ),
        (
            "statistics",
            _event("GET /statistics", "/statistics", queryStringParameters={"from": "2026-01-01", "to": "2026-01-01"}),
        ),
    ),
)


def _prepare(cloud: Cloud) -> None:
    cloud.put("Orders", item("400", 2))
    cloud.put("CustomerOrders", row("C300", 2))


def _effects(cloud: Cloud, source: Source) -> Effects:
    assert isinstance(source, Customers)
    answers = {ref: [_said(answer)] for ref, answer in source.answers.items()}
    return answers | {found["order_id"]["S"]: [found] for found in cloud.items("Orders")}


def _said(answer: dict[str, Any]) -> tuple[int, Any]:
    """Give what the answer says; how a problem is worded is its own affair."""
    document = read(answer["body"])
    return answer["statusCode"], document if answer["statusCode"] < 400 else document["type"]


def _exact(_: Layout) -> dict[str, Any]:
    placed = {
        order_id: (
            202,
            {"orderId": order_id, "status": "PLACED", "version": 1, "links": {"self": f"/orders/{order_id}"}},
        )
        for order_id in ("100", "200")
    }
    line = {"stockCode": "22728", "quantity": 3, "unitPrice": "0.00", "invoicedAt": "2010-12-01T08:26:00"}
    zero = {"count": 0, "items": 0, "value": "0.00"}
    listed = {name: value for name, value in document("C300", 2).items() if name != "distinctProducts"}
    return {
        "place 100": placed["100"],
        "place 100 again": placed["100"],
        "place 100 too": placed["100"],
        "place 200": placed["200"],
        "place another 100": (409, "urn:penstock:problem:order-exists"),
        "show 400": (200, document("400", 2) | {"lines": [line]}),
        "list orders": (200, {"orders": [listed | {"distinctProducts": 1}]}),
        "statistics": (200, {"windows": [], "totals": {"order": zero, "return": zero, "badRecords": 0}}),
        "100": item("100", 1),
        "200": item("200", 2),
        "400": item("400", 2),
    }


def _source(_: Deployed, __: Layout) -> Source:
    return Customers(requests=REQUESTS)


API = Subject(
    name="api",
    label="Api",
    module="handlers.api",
    prepare=_prepare,
    source=_source,
    effects=_effects,
    exact=_exact,
    meanwhile=lambda cloud: cloud.move_on(item("200", 1), item("200", 2)),
    effect_of=lambda ref, _: ref,
)
