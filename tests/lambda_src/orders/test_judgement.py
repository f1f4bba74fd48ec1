from collections.abc import Callable
from decimal import Decimal

import pytest

from orders.judgement import CustomerKind, Reason, judge
from orders.order import Kind, Line, Order, Status

Case = tuple[str, list[tuple[int, str]], Reason | None]

CASES: list[Case] = [
    ("536365", [(6, "2.55")], None),
    ("536365", [(6, "2.55"), (1, "0")], None),
    ("536365", [(56, "0.0")], Reason.NO_VALUE),
    ("536365", [(1, "0"), (2, "0.00")], Reason.NO_VALUE),
    ("536365", [(6, "2.55"), (-1, "2.55")], Reason.NEGATIVE_QUANTITY_ON_ORDER),
    ("536589", [(-10, "0.0")], Reason.NEGATIVE_QUANTITY_ON_ORDER),
    ("536365", [(0, "2.55"), (1, "1")], Reason.ZERO_QUANTITY),
    ("536365", [(0, "0")], Reason.ZERO_QUANTITY),
    ("536365", [(1, "-11062.06")], Reason.NEGATIVE_PRICE),
    ("536365", [(1, "-1"), (1, "5")], Reason.NEGATIVE_PRICE),
    ("536365", [(-1, "-1")], Reason.NEGATIVE_QUANTITY_ON_ORDER),
    ("C536379", [(-1, "27.50")], None),
    ("C536379", [(-1, "27.50"), (-3, "0")], None),
    ("C536379", [(-1, "0")], Reason.NO_VALUE),
    ("C536379", [(-1, "27.50"), (2, "1")], Reason.POSITIVE_QUANTITY_ON_RETURN),
    ("C536379", [(0, "27.50")], Reason.ZERO_QUANTITY),
    ("C536379", [(-1, "-27.50")], Reason.NEGATIVE_PRICE),
    ("c536379", [(-1, "27.50")], Reason.NEGATIVE_QUANTITY_ON_ORDER),
]


@pytest.mark.parametrize(("order_id", "lines", "reason"), CASES)
def test_order_is_judged_by_the_rules_of_the_shop(
    order_id: str,
    lines: list[tuple[int, str]],
    reason: Reason | None,
    order: Callable[..., Order],
    line: Callable[..., Line],
) -> None:
    """Each kind of fault has its own reason, a fault of a line goes before the value of the whole."""
    judgement = judge(order(*(line(quantity, price) for quantity, price in lines), order_id=order_id))

    assert judgement.reason == reason
    assert judgement.status == (Status.REJECTED if reason else Status.ACCEPTED)


def test_order_is_added_up(order: Callable[..., Order], line: Callable[..., Line]) -> None:
    """Repeated lines are kept and counted; a product counts once as distinct."""
    judgement = judge(order(line(6, "2.55", "A"), line(6, "2.55", "A"), line(2, "0.1", "B")))

    assert (judgement.total, judgement.item_count, judgement.distinct_products) == (Decimal("30.80"), 14, 2)


def test_return_has_negative_totals_and_nothing_to_pay(order: Callable[..., Order], line: Callable[..., Line]) -> None:
    """A return is accepted without being paid for."""
    judgement = judge(order(line(-2, "27.50"), order_id="C536379"))

    assert (judgement.total, judgement.item_count, judgement.payment_due) == (Decimal("-55.00"), -2, False)


@pytest.mark.parametrize(("price", "due"), [("2.55", True), ("0", False)])
def test_only_accepted_order_is_paid_for(
    price: str, due: bool, order: Callable[..., Order], line: Callable[..., Line]
) -> None:
    """A rejected order costs nobody anything."""
    assert judge(order(line(6, price))).payment_due is due


def test_order_without_customer_is_a_guest(order: Callable[..., Order]) -> None:
    """A customer that the shop does not know is a guest, and the order is accepted all the same."""
    judgement = judge(order(customer_id=None))

    assert (judgement.status, judgement.customer_kind) == (Status.ACCEPTED, CustomerKind.GUEST)


def test_earliest_line_dates_the_order(order: Callable[..., Order], line: Callable[..., Line]) -> None:
    """Of two timestamps the earlier counts."""
    later, earlier = line(invoiced_at="2010-12-01T16:35:00"), line(invoiced_at="2010-12-01T16:34:00")

    assert order(later, earlier).placed_at == "2010-12-01T16:34:00"


@pytest.mark.parametrize(("order_id", "kind"), [("C1", Kind.RETURN), ("1C", Kind.ORDER), ("A563185", Kind.ORDER)])
def test_leading_c_marks_a_return(order_id: str, kind: Kind, order: Callable[..., Order]) -> None:
    """Only a leading capital C makes a return of an order."""
    assert order(order_id=order_id).kind is kind
