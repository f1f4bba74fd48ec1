"""Which route takes a request."""

from __future__ import annotations

import pytest

from penstock.gateway.routes import Routes
from tests.gateway.requests import a_route

# The examples of "Create routes for HTTP APIs", and what follows from them.
DOCUMENTED = (
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /{proxy+}",
    "$default",
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("POST", "/pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_most_specific_route_wins(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    """A full match goes before a greedy one, and that before ``$default``."""
    match = Routes(a_route(k) for k in DOCUMENTED).find(method, path)

    assert match is not None
    assert (match.route.key, match.path_parameters) == (key, parameters)


def test_named_method_goes_before_any() -> None:
    """``ANY`` takes the methods that the resource does not name."""
    routes = Routes([a_route("ANY /orders"), a_route("POST /orders")])

    keys = [match.route.key for method in ("POST", "GET") if (match := routes.find(method, "/orders"))]

    assert keys == ["POST /orders", "ANY /orders"]


def test_literal_goes_before_variable_from_the_left() -> None:
    """Of two full matches the one whose first difference is literal wins, whatever the order they are written in."""
    routes = Routes([a_route("GET /{a}/lines"), a_route("GET /orders/{b}")])

    match = routes.find("GET", "/orders/lines")

    assert match is not None
    assert match.route.key == "GET /orders/{b}"


@pytest.mark.parametrize("path", ["/orders", "/orders/", "/orders/1/", "/orders/1/lines", "/Orders/1"])
def test_other_paths_do_not_match(path: str) -> None:
    """A variable stands for one segment that is not empty; case and trailing slashes count."""
    assert Routes([a_route("GET /orders/{orderId}")]).find("GET", path) is None


def test_root_is_a_path() -> None:
    """A route of the root takes the root alone."""
    routes = Routes([a_route("GET /")])

    assert routes.find("GET", "/") is not None
    assert routes.find("GET", "/x") is None
