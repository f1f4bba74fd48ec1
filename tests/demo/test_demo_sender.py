"""Posting invoices: what travels, what is tried again, and when it is given up."""

import http.client
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from penstock.demo.observation import Answer
from penstock.demo.orders import Invoice, InvoiceLine
from penstock.demo.sender import Sender, bearer, order_document, signer
from penstock.errors import EnvironmentProblem

LINE = InvoiceLine(
    line=2,
    stock_code="71053",
    description="LANTERN",
    quantity=6,
    unit_price=Decimal("3.39"),
    invoiced_at=datetime(2010, 12, 1, 8, 26),
)
INVOICE = Invoice(invoice_no="536365", customer_id="17850", country="United Kingdom", lines=(LINE,))


class Reply:
    """An HTTP response."""

    def __init__(self, status: int, body: str = "") -> None:
        self.status = status
        self._body = body.encode()

    def read(self) -> bytes:
        """Give the body."""
        return self._body


class Api:
    """Connections to an API that gives one prepared reply after the other, the last one for ever."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self._replies = list(replies)
        self.posted: list[tuple[str, str, dict[str, Any], Mapping[str, str]]] = []
        self.paused: list[float] = []

    def connect(self, host: str, port: int) -> http.client.HTTPConnection:
        """Open another connection."""
        assert (host, port) == ("127.0.0.1", 8123)
        return Connection(self)

    def reply(self) -> Reply:
        """Give or raise what comes next."""
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def send(self, *invoices: Invoice) -> dict[str, Answer]:
        """Post to this API."""
        sender = Sender(
            api_url="http://127.0.0.1:8123/",
            sign=lambda _method, _url, _body: {"Authorization": "signed"},
            connect=self.connect,
            pause=self.paused.append,
        )
        return sender.send(invoices, on_answer=lambda _answer: None)


class Connection(http.client.HTTPConnection):
    """A connection that never touches the network."""

    def __init__(self, api: Api) -> None:
        super().__init__("127.0.0.1", 8123)
        self._api = api

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **_: Any) -> None:
        """Note what was sent."""
        self._api.posted.append((method, url, json.loads(body), headers))

    def getresponse(self) -> Any:
        """Answer with the next reply."""
        return self._api.reply()


def test_invoice_travels_as_an_order_document() -> None:
    """Money as text, times as ISO 8601, nothing for what is not known."""
    gift = InvoiceLine(
        line=3,
        stock_code="22633",
        description="",
        quantity=-1,
        unit_price=Decimal("0.000001"),
        invoiced_at=datetime(2010, 12, 1, 8, 28),
    )
    guest = Invoice(invoice_no="536544", customer_id=None, country="France", lines=(LINE, gift))

    assert order_document(guest) == {
        "orderId": "536544",
        "country": "France",
        "lines": [
            {
                "stockCode": "71053",
                "quantity": 6,
                "unitPrice": "3.39",
                "invoicedAt": "2010-12-01T08:26:00",
                "description": "LANTERN",
            },
            {"stockCode": "22633", "quantity": -1, "unitPrice": "0.000001", "invoicedAt": "2010-12-01T08:28:00"},
        ],
    }
    assert order_document(INVOICE)["customerId"] == "17850"


def test_order_that_is_taken_on_is_posted_once() -> None:
    """One signed POST, one answer."""
    api = Api(Reply(202))

    assert api.send(INVOICE) == {"536365": Answer(status=202)}
    assert api.posted == [("POST", "/orders", order_document(INVOICE), {"Authorization": "signed"})]


@pytest.mark.parametrize("failure", [Reply(503, '{"message": "busy"}'), Reply(429), ConnectionResetError("gone")])
def test_failure_of_the_service_is_posted_again(failure: Reply | Exception) -> None:
    """The same order goes out again after a pause, and the failure is remembered."""
    api = Api(failure, failure, Reply(202))

    answer = api.send(INVOICE)["536365"]
    assert answer.acknowledged
    assert len(answer.retried) == 2
    assert [document for _, _, document, _ in api.posted] == [order_document(INVOICE)] * 3
    assert api.paused == [0.2, 0.4]


def test_refusal_is_final_and_told_in_its_own_words() -> None:
    """A problem document is read; posting the same again would change nothing."""
    problem = {"type": "about:blank", "title": "Conflict", "status": 409, "detail": "another order has this id"}
    api = Api(Reply(409, json.dumps(problem)))

    assert api.send(INVOICE) == {"536365": Answer(status=409, problem="409 Conflict: another order has this id")}
    assert len(api.posted) == 1


@pytest.mark.parametrize(("body", "problem"), [("plain", "400 plain"), ("[1]", "400 [1]"), ("{}", "400 {}")])
def test_refusal_without_a_problem_document_is_quoted(body: str, problem: str) -> None:
    """Whatever the answer says is passed on."""
    assert Api(Reply(400, body)).send(INVOICE)["536365"].problem == problem


def test_order_is_given_up_after_five_attempts() -> None:
    """A timeout that does not end leaves an answer without a status."""
    api = Api(TimeoutError("timed out"))

    answer = api.send(INVOICE)["536365"]
    assert answer == Answer(status=None, problem="TimeoutError: timed out", retried=("TimeoutError: timed out",) * 4)
    assert len(api.posted) == 5


def test_fails_when_the_api_answers_no_order() -> None:
    """Eleven orders in a row that could not be posted are reason enough to stop."""
    invoices = [Invoice(invoice_no=str(n), customer_id=None, country="France", lines=(LINE,)) for n in range(40)]
    api = Api(Reply(500, '{"message": "Internal Server Error"}'))

    with pytest.raises(EnvironmentProblem, match="the API answers no order: 500 Internal Server Error"):
        api.send(*invoices)


def test_request_is_signed_for_the_api() -> None:
    """SigV4 for execute-api in the application's region, over host and body."""
    headers = signer(("AKIDEXAMPLE", "secret"), "eu-west-1")("POST", "http://127.0.0.1:8123/orders", b"{}")

    assert headers["Content-Type"] == "application/json"
    assert "/eu-west-1/execute-api/aws4_request" in headers["Authorization"]
    assert "host" in headers["Authorization"]


def test_request_carries_the_token() -> None:
    """Behind a JWT authorizer each request brings the same token."""
    headers = bearer("a.b.c")("POST", "http://127.0.0.1:8123/orders", b"{}")

    assert headers == {"Authorization": "Bearer a.b.c", "Content-Type": "application/json"}
