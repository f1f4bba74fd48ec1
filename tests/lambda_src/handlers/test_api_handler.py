import base64
import copy
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

Send = Callable[..., dict[str, Any]]

DOCUMENT = {
    "orderId": "536365",
    "customerId": "17850",
    "country": "United Kingdom",
    "lines": [
        {"stockCode": "85123A", "quantity": 6, "unitPrice": 2.5, "invoicedAt": "2010-12-01T08:26:00"},
        {"stockCode": "71053", "quantity": 6, "unitPrice": "3.39", "invoicedAt": "2010-12-01T08:25:00"},
    ],
}

ROUTES = {
    "/orders": ("POST /orders", {}),
    "/orders/536365": ("GET /orders/{orderId}", {"orderId": "536365"}),
    "/customers/17850/orders": ("GET /customers/{customerId}/orders", {"customerId": "17850"}),
    "/statistics": ("GET /statistics", {}),
}


@pytest.fixture
def api(tables: Any, fresh: Callable[[str], ModuleType]) -> ModuleType:
    """The function in a new execution environment, over empty tables."""
    return fresh("api")


@pytest.fixture
def send(api: ModuleType, context: Any) -> Send:
    """Send a request through the function as an HTTP API would, and give its answer."""

    def request(
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        claims: dict[str, str] | None = None,
        encoded: bool = False,
        stage: str = "$default",
    ) -> dict[str, Any]:
        route, parameters = ROUTES.get(path, ("$default", {}))
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": route if route.startswith(f"{method} ") else "$default",
            "rawPath": path if stage == "$default" else f"/{stage}{path}",
            "rawQueryString": "",
            "headers": headers or {},
            "requestContext": {
                "stage": stage,
                "http": {"method": method, "path": path},
                "authorizer": {"iam": {}} if claims is None else {"jwt": {"claims": claims, "scopes": None}},
            },
            "isBase64Encoded": encoded,
        }
        if parameters:
            event["pathParameters"] = parameters
        if query is not None:
            event["queryStringParameters"] = query
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        answer: dict[str, Any] = api.lambda_handler(event, context)
        return answer

    return request


def _document(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def _with(**members: Any) -> dict[str, Any]:
    return copy.deepcopy(DOCUMENT) | members


def _accept(tables: Any, **attributes: Any) -> None:
    """Do what `enrich` does to the order."""
    values = {":s": {"S": "ACCEPTED"}, ":t": {"N": "35.34"}, ":v": {"N": "2"}, ":n": {"N": "12"}}
    assignments = (
        "#s = :s",
        "#t = :t",
        "version = :v",
        "item_count = :n",
        "distinct_products = :n",
        "customer_kind = :s",
    )
    tables.client.update_item(
        TableName="Orders",
        Key={"order_id": {"S": "536365"}},
        UpdateExpression="SET " + ", ".join(assignments),
        ExpressionAttributeNames={"#s": "status", "#t": "total"},
        ExpressionAttributeValues=values,
    )


def test_order_is_placed_with_a_link(send: Send, tables: Any) -> None:
    """An order is accepted for judgement, and stands in the table as PLACED at version 1."""
    answer = send("POST", "/orders", DOCUMENT)

    assert answer["statusCode"] == 202
    assert answer["headers"]["location"] == "/orders/536365"
    assert _document(answer) == {
        "orderId": "536365",
        "status": "PLACED",
        "version": 1,
        "links": {"self": "/orders/536365"},
    }
    [item] = tables.items("Orders")
    assert (item["status"], item["version"], item["kind"]) == ("PLACED", 1, "order")
    assert item["placed_at"] == "2010-12-01T08:25:00"
    assert [line["unit_price"] for line in item["lines"]] == [Decimal("2.5"), Decimal("3.39")]


def test_same_order_again_is_answered_the_same(send: Send, tables: Any) -> None:
    """One effect and byte-identical answers, whatever became of the order and however its numbers are spelled."""
    first = send("POST", "/orders", DOCUMENT)
    _accept(tables)
    respelled = json.dumps(DOCUMENT, indent=2).replace("2.5", '"2.50"')

    assert send("POST", "/orders", DOCUMENT) == first
    assert send("POST", "/orders", respelled) == first
    assert len(tables.items("Orders")) == 1


def test_lost_answer_is_no_conflict(api: ModuleType, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that took effect and is repeated by boto3, since its answer was lost, is answered like the first."""
    place = api.resources.orders.client.put_item

    def put_twice(**request: Any) -> Any:
        place(**request)
        return place(**request)

    monkeypatch.setattr(api.resources.orders.client, "put_item", put_twice)

    assert send("POST", "/orders", DOCUMENT)["statusCode"] == 202


def test_fails_when_the_id_is_taken_by_other_content(send: Send, tables: Any) -> None:
    """The first content stays, and the second is told so."""
    send("POST", "/orders", DOCUMENT)
    answer = send("POST", "/orders", _with(country="EIRE"))

    assert answer["statusCode"] == 409
    assert _document(answer)["field"] == "orderId"
    assert [item["country"] for item in tables.items("Orders")] == ["United Kingdom"]


def test_order_without_customer_is_placed(send: Send, tables: Any) -> None:
    """A guest's order has no customer attribute at all."""
    document = copy.deepcopy(DOCUMENT)
    del document["customerId"]

    assert send("POST", "/orders", document)["statusCode"] == 202
    assert "customer_id" not in tables.items("Orders")[0]


def test_body_in_base64_is_read(send: Send) -> None:
    """API Gateway encodes bodies of types that it does not know."""
    body = base64.b64encode(json.dumps(DOCUMENT).encode()).decode()

    assert send("POST", "/orders", body, encoded=True)["statusCode"] == 202


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, "empty"),
        ("", "empty"),
        ("{", "line 1, column 2"),
        ("orderId=536365", "line 1"),
        ('{"orderId": NaN}', "NaN"),
        ('{"orderId": -Infinity}', "-Infinity"),
        ('{"orderId": ' + "9" * 5_000 + "}", "number"),
        ('{"orderId": 1e' + "9" * 30 + "}", "number"),
        ("[" * 100_000, "nested"),
        ("\ud83d", "UTF-8"),
    ],
    ids=["none", "empty", "cut", "form", "nan", "infinity", "digits", "exponent", "nested", "surrogate"],
)
def test_fails_when_the_body_is_no_json(send: Send, body: str | None, detail: str) -> None:
    """A body that cannot be read is refused with the place where reading ended."""
    answer = send("POST", "/orders", body)

    assert answer["statusCode"] == 400
    assert answer["headers"]["content-type"] == "application/problem+json"
    problem = _document(answer)
    assert problem["type"] == "urn:penstock:problem:malformed-body"
    assert problem["field"] == "body"
    assert detail in problem["detail"]


@pytest.mark.parametrize("body", ["%%%", "/w=="])
def test_fails_when_the_encoded_body_is_no_text(send: Send, body: str) -> None:
    """Base64 that is none, and bytes that are no UTF-8, are a malformed body."""
    assert send("POST", "/orders", body, encoded=True)["statusCode"] == 400


@pytest.mark.parametrize(
    ("document", "field", "pointer"),
    [
        ([], "body", "#"),
        (_with(orderId=536365), "orderId", "#/orderId"),
        (_with(lines=[]), "lines", "#/lines"),
        (_with(lines=[{}]), "lines[0].stockCode", "#/lines/0/stockCode"),
        (_with(lines=[DOCUMENT["lines"][0] | {"quantity": 6.5}]), "lines[0].quantity", "#/lines/0/quantity"),  # type: ignore[operator]
        (_with(colour="red"), "colour", "#/colour"),
    ],
)
def test_fails_when_the_body_is_no_order(send: Send, tables: Any, document: Any, field: str, pointer: str) -> None:
    """A wrong shape is a problem document that names the member, and nothing is stored."""
    answer = send("POST", "/orders", document)

    assert answer["statusCode"] == 400
    problem = _document(answer)
    assert (problem["type"], problem["status"]) == ("urn:penstock:problem:invalid-order", 400)
    assert problem["title"]
    assert problem["field"] == field
    assert problem["errors"][0]["pointer"] == pointer
    assert tables.items("Orders") == []


@pytest.mark.parametrize("encoded", [False, True])
def test_fails_when_the_body_is_over_1_mb(send: Send, encoded: bool) -> None:
    """The refusal states the size and the limit, for a body in base64 by what it decodes to."""
    body = " " * (1024 * 1024 + 1)
    answer = send("POST", "/orders", base64.b64encode(body.encode()).decode() if encoded else body, encoded=encoded)

    assert answer["statusCode"] == 413
    problem = _document(answer)
    assert (problem["sizeBytes"], problem["limitBytes"], problem["field"]) == (1_048_577, 1_048_576, "body")
    assert "1048577" in problem["detail"]


def test_fails_when_the_item_is_over_400_kb(send: Send, tables: Any) -> None:
    """An order that is no item any more is refused before DynamoDB does, with size and limit."""
    lines = [DOCUMENT["lines"][0] | {"description": "x" * 900}] * 450  # type: ignore[operator]
    answer = send("POST", "/orders", _with(lines=lines))

    assert answer["statusCode"] == 413
    problem = _document(answer)
    assert problem["sizeBytes"] > problem["limitBytes"] == 400 * 1024 - 1024
    assert problem["field"] == "lines"
    assert tables.items("Orders") == []


def test_order_under_400_kb_is_placed(send: Send) -> None:
    """A large order that fits is placed."""
    lines = [DOCUMENT["lines"][0] | {"description": "x" * 800}] * 400  # type: ignore[operator]

    assert send("POST", "/orders", _with(lines=lines))["statusCode"] == 202


@pytest.mark.parametrize("path", ["/", "/order", "/orders/", "/orders/1/lines", "/customers//orders"])
@pytest.mark.parametrize("stage", ["$default", "dev"])
def test_fails_when_there_is_no_route(send: Send, path: str, stage: str) -> None:
    """An unknown path is a problem document, too."""
    answer = send("GET", path, stage=stage)

    assert answer["statusCode"] == 404
    assert _document(answer)["type"] == "about:blank"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/orders", "POST"),
        ("DELETE", "/orders/536365", "GET"),
        ("POST", "/statistics", "GET"),
        ("PUT", "/customers/17850/orders", "GET"),
    ],
)
def test_fails_when_the_method_is_wrong(send: Send, method: str, path: str, allowed: str) -> None:
    """A known path says which method it takes."""
    answer = send(method, path, stage="dev")

    assert (answer["statusCode"], answer["headers"]["allow"]) == (405, allowed)


def test_order_is_shown_with_its_lines(send: Send, tables: Any) -> None:
    """A snapshot in camel case, money as text, nothing internal."""
    send("POST", "/orders", DOCUMENT)
    _accept(tables)
    answer = send("GET", "/orders/536365")

    assert answer["statusCode"] == 200
    document = _document(answer)
    assert (document["status"], document["version"], document["total"]) == ("ACCEPTED", 2, "35.34")
    assert document["lines"][0] == {
        "stockCode": "85123A",
        "quantity": 6,
        "unitPrice": "2.50",
        "invoicedAt": "2010-12-01T08:26:00",
    }
    assert "contentHash" not in document
    assert "preference-applied" not in answer["headers"]


@pytest.mark.parametrize("order_id", ["536365", "%00", ""])
def test_fails_when_there_is_no_such_order(send: Send, order_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown id, and one that no order can have, is not found; waiting for it is no use."""
    monkeypatch.setitem(ROUTES, "/orders/x", ("GET /orders/{orderId}", {"orderId": order_id}))

    assert send("GET", "/orders/x", headers={"prefer": "wait=20"})["statusCode"] == 404


def _slept(api: ModuleType, monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> list[float]:
    """Replace the function's time by one that only sleeping moves; `then` happens with the third pause."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            then()

    monkeypatch.setattr(api, "resources", _replaced(api.resources, clock=lambda: sum(pauses), sleep=sleep))
    return pauses


def _replaced(resources: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(resources, **changes)


def test_waiting_answers_when_the_order_is_judged(
    api: ModuleType, send: Send, tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `Prefer: wait` the answer comes when the order has left PLACED, and says how long it would have waited."""
    send("POST", "/orders", DOCUMENT)
    pauses = _slept(api, monkeypatch, then=lambda: _accept(tables))
    answer = send("GET", "/orders/536365", headers={"prefer": "wait=5"})

    assert _document(answer)["status"] == "ACCEPTED"
    assert answer["headers"]["preference-applied"] == "wait=5"
    assert len(pauses) == 3


@pytest.mark.parametrize(
    ("prefer", "remaining_ms", "waited"), [("wait=5", 30_000, 5), ("wait=99", 30_000, 20), ("wait=20", 4_000, 3)]
)
def test_waiting_ends_as_placed(
    *,
    api: ModuleType,
    send: Send,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    prefer: str,
    remaining_ms: int,
    waited: float,
) -> None:
    """When the time is up the order is shown as it is; 20 seconds and the rest of the invocation are the bounds."""
    context.remaining_ms = remaining_ms
    send("POST", "/orders", DOCUMENT)
    pauses = _slept(api, monkeypatch, then=lambda: None)
    answer = send("GET", "/orders/536365", headers={"prefer": prefer})

    assert (answer["statusCode"], _document(answer)["status"]) == (200, "PLACED")
    assert sum(pauses) == pytest.approx(waited)


def test_fails_when_the_preference_cannot_be_read(send: Send) -> None:
    """A wait that is no number is refused by the header's name."""
    answer = send("GET", "/orders/536365", headers={"prefer": "wait=soon"})

    assert (answer["statusCode"], _document(answer)["field"]) == (400, "Prefer")


def _row(tables: Any, order_id: str, customer_id: str = "17850") -> None:
    tables.client.put_item(
        TableName="CustomerOrders",
        Item={
            "customer_id": {"S": customer_id},
            "order_id": {"S": order_id},
            "version": {"N": "4"},
            "status": {"S": "SHIPPED"},
            "kind": {"S": "order"},
            "total": {"N": "139.1"},
            "item_count": {"N": "40"},
            "distinct_products": {"N": "7"},
            "country": {"S": "United Kingdom"},
            "placed_at": {"S": "2010-12-01T08:26:00"},
        },
    )


def test_customer_sees_pages_of_orders(send: Send, tables: Any) -> None:
    """Pages follow one another by `next`, the last has none, and other customers' orders are on none."""
    for order_id in ("536365", "536366", "536367"):
        _row(tables, order_id)
    _row(tables, "536368", customer_id="17851")

    first = _document(send("GET", "/customers/17850/orders", query={"limit": "2"}))
    last = _document(send("GET", "/customers/17850/orders", query={"limit": "2", "next": first["next"]}))

    assert [order["orderId"] for order in first["orders"]] == ["536365", "536366"]
    assert [order["orderId"] for order in last["orders"]] == ["536367"]
    assert "next" not in last
    assert first["orders"][0]["total"] == "139.10"


def test_unknown_customer_has_no_orders(send: Send) -> None:
    """The read model knows no customers, only orders of customers."""
    assert _document(send("GET", "/customers/17850/orders")) == {"orders": []}


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"next": " "}])
def test_fails_when_the_page_cannot_be_read(send: Send, query: dict[str, str]) -> None:
    """A wrong parameter is refused by its name."""
    answer = send("GET", "/customers/17850/orders", query=query)

    assert (answer["statusCode"], _document(answer)["field"]) == (400, next(iter(query)))


def test_statistics_are_shown_for_today(send: Send, tables: Any) -> None:
    """Windows of yesterday to tomorrow and their totals, money as text."""
    today = datetime.now(UTC).date().isoformat()
    numbers = {"order_count": "2", "order_items": "80", "order_value": "278.24", "bad_records": "0"}
    numbers |= {"return_count": "1", "return_items": "-1", "return_value": "-27.5"}
    texts = {"day": today, "window": f"{today}T00:00:00Z#s1#7", "shard_id": "s1", "first_sequence_number": "7"}
    texts |= {"window_start": f"{today}T00:00:00Z", "window_end": f"{today}T00:01:00Z"}
    item = {name: {"N": number} for name, number in numbers.items()} | {
        name: {"S": text} for name, text in texts.items()
    }
    tables.client.put_item(TableName="Statistics", Item=item)

    document = _document(send("GET", "/statistics"))

    assert [window["windowStart"] for window in document["windows"]] == [f"{today}T00:00:00Z"]
    assert document["totals"]["order"] == {"count": 2, "items": 80, "value": "278.24"}
    assert document["totals"]["return"] == {"count": 1, "items": -1, "value": "-27.50"}


def test_fails_when_the_days_cannot_be_read(send: Send) -> None:
    """A wrong day is refused by the parameter's name."""
    answer = send("GET", "/statistics", query={"from": "yesterday"})

    assert (answer["statusCode"], _document(answer)["field"]) == (400, "from")


OWN = {"customer_id": "17850", "scope": "orders/read orders/write"}
OTHER = {"customer_id": "17851", "scope": "orders/read orders/write"}
NOBODY = {"scope": "orders/read"}
ADMIN = {"scope": "orders/read orders/admin"}


@pytest.mark.parametrize(
    ("claims", "placed", "shown", "listed", "counted"),
    [(OWN, 202, 200, 200, 403), (OTHER, 403, 404, 403, 403), (NOBODY, 403, 404, 403, 403), (ADMIN, 202, 200, 200, 200)],
    ids=["own", "other", "nobody", "admin"],
)
def test_token_opens_the_orders_of_its_customer(
    *, send: Send, claims: dict[str, str], placed: int, shown: int, listed: int, counted: int
) -> None:
    """A customer sees and places its own orders only, an admin everybody's and the statistics."""
    send("POST", "/orders", DOCUMENT)

    assert send("POST", "/orders", DOCUMENT, claims=claims)["statusCode"] == placed
    assert send("GET", "/orders/536365", claims=claims)["statusCode"] == shown
    assert send("GET", "/customers/17850/orders", claims=claims)["statusCode"] == listed
    assert send("GET", "/statistics", claims=claims)["statusCode"] == counted


def test_order_of_somebody_else_looks_like_none(send: Send) -> None:
    """The answer does not tell which ids exist."""
    absent = send("GET", "/orders/536365", claims=OTHER)
    send("POST", "/orders", DOCUMENT)

    assert send("GET", "/orders/536365", claims=OTHER) == absent


def test_fails_when_a_token_places_a_guests_order(send: Send) -> None:
    """Who is known cannot order as nobody."""
    document = copy.deepcopy(DOCUMENT)
    del document["customerId"]
    answer = send("POST", "/orders", document, claims=OWN)

    assert (answer["statusCode"], _document(answer)["field"]) == (403, "customerId")


def _failing(code: str) -> Callable[..., Any]:
    def call(**request: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "PutItem")

    return call


def test_fails_when_the_table_is_throttled(api: ModuleType, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy table is 503 with the advice to try again."""
    monkeypatch.setattr(api.resources.orders.client, "put_item", _failing("ThrottlingException"))
    answer = send("POST", "/orders", DOCUMENT)

    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "1")


def test_fails_when_the_table_fails(api: ModuleType, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other error of AWS is an error of the function, which alarms watch."""
    monkeypatch.setattr(api.resources.orders.client, "put_item", _failing("AccessDeniedException"))

    with pytest.raises(ClientError):
        send("POST", "/orders", DOCUMENT)


def test_log_holds_no_personal_data(api: ModuleType, send: Send) -> None:
    """Neither the customer nor the country reaches the log."""
    log = io.StringIO()
    api.logger.logger_handler.setStream(log)

    send("POST", "/orders", DOCUMENT)
    send("GET", "/customers/17850/orders")
    logged = log.getvalue()

    assert "request answered" in logged
    assert "17850" not in logged
    assert "United Kingdom" not in logged
