import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from orders.placement import MAX_FAULTS, InvalidOrder, order_from

DOCUMENT = {
    "orderId": "536365",
    "customerId": "17850",
    "country": "United Kingdom",
    "lines": [
        {
            "stockCode": "85123A",
            "description": "WHITE HANGING HEART",
            "quantity": 6,
            "unitPrice": "2.55",
            "invoicedAt": "2010-12-01T08:26:00",
        }
    ],
}


def _with(change: Callable[[Any], Any]) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return document


def _line(**members: Any) -> dict[str, Any]:
    return _with(lambda document: document["lines"][0].update(members))


def _without(name: str) -> dict[str, Any]:
    return _with(lambda document: document["lines"][0].pop(name))


def test_document_becomes_an_order() -> None:
    """Every member arrives where it belongs."""
    order = order_from(DOCUMENT)

    assert (order.order_id, order.customer_id, order.country) == ("536365", "17850", "United Kingdom")
    [line] = order.lines
    assert (line.stock_code, line.description, line.quantity) == ("85123A", "WHITE HANGING HEART", 6)
    assert (line.unit_price, line.invoiced_at) == (Decimal("2.55"), "2010-12-01T08:26:00")


def test_meaning_is_not_judged() -> None:
    """Negative quantities, zeros and empty descriptions are shapes like any other."""
    order = order_from(_line(quantity=-6, unitPrice=Decimal("-0.0"), description=""))

    assert (order.lines[0].quantity, order.lines[0].unit_price) == (-6, Decimal(0))


@pytest.mark.parametrize("price", ["2.5", "2.50", "2.500000000", Decimal("2.5"), Decimal("2.50"), Decimal("25E-1")])
def test_spelling_of_a_price_does_not_change_the_content(price: str | Decimal) -> None:
    """Text and number, with zeros behind or without, are the same content."""
    assert order_from(_line(unitPrice=price)).content_hash == order_from(_line(unitPrice="2.5")).content_hash


@pytest.mark.parametrize(
    "time", ["2010-12-01T08:26", "2010-12-01T08:26:00", "2010-12-01 08:26:00.000", "20101201T0826"]
)
def test_spelling_of_a_time_does_not_change_the_content(time: str) -> None:
    """ISO 8601 has several spellings of one moment."""
    assert order_from(_line(invoicedAt=time)).content_hash == order_from(DOCUMENT).content_hash


@pytest.mark.parametrize(
    "document",
    [
        _line(quantity=7),
        _line(unitPrice="2.56"),
        _line(stockCode="85123B"),
        _line(description=""),
        _line(invoicedAt="2010-12-01T08:26:01"),
        _with(lambda document: document.pop("customerId")),
        _with(lambda document: document.update(country="EIRE")),
        _with(lambda document: document["lines"].append(document["lines"][0])),
    ],
)
def test_other_content_has_another_hash(document: dict[str, Any]) -> None:
    """Whatever differs, differs in the hash."""
    assert order_from(document).content_hash != order_from(DOCUMENT).content_hash


@pytest.mark.parametrize(
    ("document", "pointer", "detail"),
    [
        ([], "", "must be an object"),
        ("536365", "", "must be an object"),
        (_with(lambda document: document.pop("orderId")), "/orderId", "is missing"),
        (_with(lambda document: document.update(orderId=536365)), "/orderId", "must be text"),
        (_with(lambda document: document.update(orderId="")), "/orderId", "letters, digits"),
        (_with(lambda document: document.update(orderId="../536365")), "/orderId", "letters, digits"),
        (_with(lambda document: document.update(orderId="5" * 65)), "/orderId", "1 to 64"),
        (_with(lambda document: document.update(orderId="53636\u0665")), "/orderId", "letters, digits"),
        (_with(lambda document: document.update(customerId=17850)), "/customerId", "must be text"),
        (_with(lambda document: document.update(customerId=None)), "/customerId", "must be text"),
        (_with(lambda document: document.pop("country")), "/country", "is missing"),
        (_with(lambda document: document.update(country="")), "/country", "1 to 100 characters, has 0"),
        (_with(lambda document: document.update(country="\ud83d")), "/country", "surrogate"),
        (_with(lambda document: document.pop("lines")), "/lines", "is missing"),
        (_with(lambda document: document.update(lines=[])), "/lines", "at least one line"),
        (_with(lambda document: document.update(lines={})), "/lines", "must be a list"),
        (_with(lambda document: document.update(lines=[6])), "/lines/0", "must be an object"),
        (_with(lambda document: document.update(customerID="1")), "/customerID", "is not a member"),
        (_with(lambda document: document.update({"a/b~c": 1})), "/a~1b~0c", "is not a member"),
        (_line(colour="red"), "/lines/0/colour", "is not a member"),
        (_without("stockCode"), "/lines/0/stockCode", "is missing"),
        (_without("quantity"), "/lines/0/quantity", "is missing"),
        (_without("unitPrice"), "/lines/0/unitPrice", "is missing"),
        (_without("invoicedAt"), "/lines/0/invoicedAt", "is missing"),
        (_line(stockCode=85123), "/lines/0/stockCode", "must be text"),
        (_line(description=None), "/lines/0/description", "must be text"),
        (_line(description="x" * 1_001), "/lines/0/description", "0 to 1000 characters"),
        (_line(quantity="6"), "/lines/0/quantity", "whole number"),
        (_line(quantity=Decimal("6.5")), "/lines/0/quantity", "whole number"),
        (_line(quantity=True), "/lines/0/quantity", "whole number"),
        (_line(quantity=1_000_000_000), "/lines/0/quantity", "within"),
        (_line(unitPrice=None), "/lines/0/unitPrice", "decimal number"),
        (_line(unitPrice=True), "/lines/0/unitPrice", "decimal number"),
        (_line(unitPrice="2,55"), "/lines/0/unitPrice", "decimal number"),
        (_line(unitPrice="NaN"), "/lines/0/unitPrice", "decimal number"),
        (_line(unitPrice="1_000"), "/lines/0/unitPrice", "decimal number"),
        (_line(unitPrice="\u0665"), "/lines/0/unitPrice", "decimal number"),
        (_line(unitPrice=Decimal("1E+400")), "/lines/0/unitPrice", "less than 1000000000"),
        (_line(unitPrice="-1000000000"), "/lines/0/unitPrice", "less than 1000000000"),
        (_line(unitPrice=Decimal("1E-400")), "/lines/0/unitPrice", "at most 6 decimal places, has 400"),
        (_line(unitPrice="0.1234567"), "/lines/0/unitPrice", "at most 6 decimal places, has 7"),
        (_line(invoicedAt=0), "/lines/0/invoicedAt", "must be text"),
        (_line(invoicedAt="1 December"), "/lines/0/invoicedAt", "ISO 8601"),
        (_line(invoicedAt="2010-12-32T08:26:00"), "/lines/0/invoicedAt", "ISO 8601"),
        (_line(invoicedAt="2010-12-01"), "/lines/0/invoicedAt", "time of day"),
        (_line(invoicedAt="2010-12-01T08:26:00Z"), "/lines/0/invoicedAt", "no zone"),
        (_line(invoicedAt="2010-12-01T08:26:00+01:00"), "/lines/0/invoicedAt", "no zone"),
    ],
)
def test_fails_when_the_shape_is_wrong(document: Any, pointer: str, detail: str) -> None:
    """Each wrong shape is refused alone, at its place and with what is expected there."""
    with pytest.raises(InvalidOrder) as refused:
        order_from(document)

    [fault] = refused.value.faults
    assert fault.pointer == pointer
    assert detail in fault.detail


def test_fails_with_every_fault_at_once_up_to_a_limit() -> None:
    """A caller learns of all faults with one request, but not of thousands."""
    broken = {"quantity": "x"}

    with pytest.raises(InvalidOrder) as refused:
        order_from({"lines": [broken] * 100})

    faults = refused.value.faults
    assert [fault.pointer for fault in faults[:3]] == ["/orderId", "/country", "/lines/0/stockCode"]
    assert len(faults) == MAX_FAULTS


def test_largest_total_is_exact() -> None:
    """The bounds of quantity and price leave room for the total of the largest order that fits into an item."""
    from orders.judgement import judge

    document = _line(quantity=999_999_999, unitPrice="999999999.999999")
    document["lines"] *= 6_500

    assert judge(order_from(document)).total == Decimal("999999999.999999") * 999_999_999 * 6_500
