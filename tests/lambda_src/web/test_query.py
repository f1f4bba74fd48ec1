from datetime import date

import pytest

from web.problem import Refused
from web.query import days_query, page_query

TODAY = date(2010, 12, 2)


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({}, ["2010-12-01", "2010-12-02", "2010-12-03"]),
        ({"from": "2010-11-30", "to": "2010-12-01"}, ["2010-11-30", "2010-12-01"]),
        ({"from": "2010-12-01", "to": "2010-12-01"}, ["2010-12-01"]),
        (
            {"from": "2010-02-26"},
            [f"2010-02-{day}" for day in (26, 27, 28)] + [f"2010-03-0{day}" for day in range(1, 5)],
        ),
        ({"to": "2010-12-08"}, [f"2010-12-0{day}" for day in range(2, 9)]),
    ],
)
def test_days_are_listed_with_both_ends(query: dict[str, str], days: list[str]) -> None:
    """Without a query it is yesterday to tomorrow, one end alone stands for a week."""
    assert days_query(query, today=TODAY) == days


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "20101201"}, "from"),
        ({"from": "2010-12-32"}, "from"),
        ({"to": ""}, "to"),
        ({"from": "2010-12-02", "to": "2010-12-01"}, "to"),
        ({"from": "2010-12-01", "to": "2010-12-08"}, "to"),
    ],
)
def test_fails_when_days_cannot_be_read(query: dict[str, str], parameter: str) -> None:
    """A wrong day, days in the wrong order and more than a week are refused by the parameter's name."""
    with pytest.raises(Refused) as refused:
        days_query(query, today=TODAY)

    assert refused.value.problem.document()["errors"][0]["parameter"] == parameter


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1e1", ""])
def test_fails_when_the_limit_is_no_number_from_1_to_100(limit: str) -> None:
    """A page has a size that the table can answer."""
    with pytest.raises(Refused):
        page_query({"limit": limit})


def test_fails_when_next_is_not_an_order() -> None:
    """Only what a page gave as next is taken as next."""
    with pytest.raises(Refused):
        page_query({"next": "/"})


def test_page_has_a_default_size() -> None:
    """Without a query the first page is asked for."""
    assert (page_query({}).limit, page_query({}).after_order_id) == (50, None)
