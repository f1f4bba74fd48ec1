"""The query parameters of the API: which page of a customer's orders, which days of statistics."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from orders.placement import is_id
from web.problem import Refused, invalid_parameter

LONGEST_DAYS = 7
"""Our choice: a week of windows of a minute stays well under the 6 MB that a function may answer."""

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """How many orders to list, and the order's id to begin after."""

    limit: int
    after_order_id: str | None


def page_query(query: Mapping[str, str]) -> PageQuery:
    """Read `limit` (1 to 100) and `next`, which is what the page before gave. Raises `Refused`."""
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= LARGEST_LIMIT:
        raise Refused(invalid_parameter("limit", f"must be a whole number from 1 to {LARGEST_LIMIT}"))
    after = query.get("next")
    if after is not None and not is_id(after):
        raise Refused(invalid_parameter("next", "must be what the page before gave as next"))
    return PageQuery(limit=int(limit), after_order_id=after)


def days_query(query: Mapping[str, str], *, today: date) -> list[str]:
    """Read `from` and `to` as days (`YYYY-MM-DD`, UTC, both included) and list them. Raises `Refused`.

    Without them it is yesterday to tomorrow, since clocks differ; one alone stands for the week that begins or ends
    with it.
    """
    first, last = _day(query, "from"), _day(query, "to")
    week = timedelta(days=LONGEST_DAYS - 1)
    if first is None:
        first = today - timedelta(days=1) if last is None else last - week
        last = last or today + timedelta(days=1)
    last = last or first + week
    if last < first:
        raise Refused(invalid_parameter("to", f"must not be before from ({first})"))
    count = (last - first).days + 1
    if count > LONGEST_DAYS:
        raise Refused(
            invalid_parameter("to", f"must be at most {LONGEST_DAYS} days from from, both included; it is {count}")
        )
    return [(first + timedelta(days=day)).isoformat() for day in range(count)]


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(invalid_parameter(name, "must be a day such as 2010-12-01")) from None
