"""The rules of the domain, recomputed: each row of the table, and the numbers of the real file."""

from collections import Counter
from datetime import datetime
from decimal import Decimal

import pytest

from penstock.demo.expectation import Expectation, expect
from penstock.demo.orders import PACKAGED_FILE, Invoice, InvoiceLine, read_orders


def invoice(invoice_no: str, *lines: tuple[int, str], customer_id: str | None = "17850") -> Invoice:
    """An invoice with lines of (quantity, price)."""
    return Invoice(
        invoice_no=invoice_no,
        customer_id=customer_id,
        country="France",
        lines=tuple(
            InvoiceLine(
                line=number,
                stock_code=f"P{number % 3}",
                description="",
                quantity=quantity,
                unit_price=Decimal(price),
                invoiced_at=datetime(2010, 12, 1, 9, 59 - number),
            )
            for number, (quantity, price) in enumerate(lines, start=2)
        ),
    )


def test_order_is_accepted_and_shipped_with_its_numbers() -> None:
    """Lines without a price are gifts that stay, repeated products count once, the earliest time counts."""
    judged = expect(invoice("536365", (6, "2.55"), (2, "0.0"), (1, "0.10"), (1, "0.10")))

    assert judged == Expectation(
        order_id="536365",
        kind="order",
        status="SHIPPED",
        version=4,
        reason=None,
        customer_id="17850",
        customer_kind="registered",
        country="France",
        placed_at=datetime(2010, 12, 1, 9, 54),
        total=Decimal("15.50"),
        item_count=10,
        distinct_products=3,
        line_count=4,
    )


def test_return_is_accepted_with_negative_numbers_and_not_shipped() -> None:
    """A leading C with quantities below 0 is a return."""
    judged = expect(invoice("C536379", (-1, "27.50"), (-2, "1.00")))

    assert (judged.kind, judged.status, judged.version, judged.reason) == ("return", "ACCEPTED", 2, None)
    assert (judged.total, judged.item_count) == (Decimal("-29.50"), -3)


def test_order_without_customer_is_a_guest_order() -> None:
    """An unknown customer is no reason to reject."""
    judged = expect(invoice("536544", (1, "2.51"), customer_id=None))

    assert (judged.status, judged.customer_kind, judged.customer_id) == ("SHIPPED", "guest", None)


@pytest.mark.parametrize(
    ("invoice_no", "lines", "reason"),
    [
        ("536414", [(56, "0.0")], "no-value"),
        ("536589", [(-10, "0.0")], "negative-quantity-on-order"),
        ("536590", [(1, "2.00"), (-1, "2.00")], "negative-quantity-on-order"),
        ("536591", [(1, "2.00"), (0, "2.00")], "zero-quantity"),
        ("A563186", [(1, "-11062.06")], "negative-price"),
        ("C536592", [(-1, "2.00"), (1, "2.00")], "positive-quantity-on-return"),
        ("C536593", [(0, "2.00")], "zero-quantity"),
        ("C536594", [(-1, "0")], "no-value"),
    ],
)
def test_flaw_rejects_by_its_name(invoice_no: str, lines: list[tuple[int, str]], reason: str) -> None:
    """Each flaw has a name of its own; a negative write-off is named for its quantity, not for its price."""
    judged = expect(invoice(invoice_no, *lines))

    assert (judged.status, judged.version, judged.reason) == ("REJECTED", 2, reason)


def test_real_file_comes_to_the_known_numbers() -> None:
    """The 310 invoices: 269 orders, 29 returns, 11 guests, 12 rejected."""
    judged = [expect(each) for each in read_orders(PACKAGED_FILE).invoices]

    accepted = [each for each in judged if each.accepted]
    assert Counter(each.kind for each in accepted) == {"order": 269, "return": 29}
    assert sum(each.total for each in accepted if each.kind == "order") == Decimal("106709.17")
    assert sum(each.total for each in accepted if each.kind == "return") == Decimal("-1866.33")
    assert sum(each.customer_kind == "guest" for each in accepted) == 11
    assert Counter(each.reason for each in judged if each.reason) == {
        "no-value": 10,
        "negative-quantity-on-order": 2,
    }
