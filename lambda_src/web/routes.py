"""The routes of the API: what an HTTP API calls them, and what is said to a request that fits none."""

from collections.abc import Mapping
from typing import Any

from web.problem import Problem, not_found, wrong_method

PLACE_ORDER = "POST /orders"
SHOW_ORDER = "GET /orders/{orderId}"
LIST_ORDERS = "GET /customers/{customerId}/orders"
SHOW_STATISTICS = "GET /statistics"

_ROUTES = (PLACE_ORDER, SHOW_ORDER, LIST_ORDERS, SHOW_STATISTICS)


def no_route(event: Mapping[str, Any]) -> Problem:
    """Tell an unknown path from a known path with a wrong method; both arrive on the `$default` route."""
    method = event["requestContext"]["http"]["method"]
    path = _path(event)
    allowed = tuple(route.split()[0] for route in _ROUTES if _fits(path, route.split()[1]))
    return wrong_method(method, path, allowed) if allowed else not_found(f"there is nothing at {path}")


def _path(event: Mapping[str, Any]) -> str:
    """Give the path without the stage's name, which `rawPath` begins with on any stage but `$default`."""
    path: str = event["rawPath"]
    stage = f"/{event['requestContext']['stage']}"
    return (path.removeprefix(stage) or "/") if path == stage or path.startswith(f"{stage}/") else path


def _fits(path: str, template: str) -> bool:
    segments, wanted = path.split("/"), template.split("/")
    return len(segments) == len(wanted) and all(
        segment == name or (name.startswith("{") and segment != "")
        for segment, name in zip(segments, wanted, strict=True)
    )
