"""Which route of an HTTP API takes a request.

Source: *Create routes for HTTP APIs*, routing API requests: a full match of route and method first, then a match
with a greedy path variable, then ``$default``. Among equals, a literal segment goes before a variable and a method
before ``ANY`` (our choice, after that page's examples).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from penstock.template.models import Route

_Rank = tuple[bool, tuple[bool, ...], int, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMatch:
    """A route with what its variables stand for: name without braces or plus → decoded text; may be empty."""

    route: Route
    path_parameters: dict[str, str]


class Routes:
    """The routes of one API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._default: Route | None = None
        self._routes: list[tuple[str, tuple[str, ...], Route]] = []
        for route in routes:
            if route.key == "$default":
                self._default = route
            else:
                method, _, path = route.key.partition(" ")
                self._routes.append((method, tuple(path.split("/")[1:]), route))

    def find(self, method: str, path: str) -> RouteMatch | None:
        """Find the route for a method and a decoded path; ``None`` when there is not even a ``$default``."""
        segments = tuple(path.split("/")[1:])
        best: tuple[_Rank, RouteMatch] | None = None
        for route_method, pattern, route in self._routes:
            if route_method not in (method, "ANY"):
                continue
            parameters = _match(pattern, segments)
            if parameters is None:
                continue
            rank = _rank(pattern, route_method)
            if best is None or rank < best[0]:
                best = rank, RouteMatch(route=route, path_parameters=parameters)
        if best is not None:
            return best[1]
        return None if self._default is None else RouteMatch(route=self._default, path_parameters={})


def _is_greedy(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("+}")


def _is_variable(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for index, expected in enumerate(pattern):
        if _is_greedy(expected):
            rest = "/".join(segments[index:])
            if not rest:
                return None
            parameters[expected[1:-2]] = rest
            return parameters
        if index >= len(segments):
            return None
        if _is_variable(expected):
            if not segments[index]:
                return None
            parameters[expected[1:-1]] = segments[index]
        elif expected != segments[index]:
            return None
    return parameters if len(pattern) == len(segments) else None


def _rank(pattern: tuple[str, ...], method: str) -> _Rank:
    """Order matches, best first: full before greedy, literal before variable from the left, long, method named."""
    greedy = bool(pattern) and _is_greedy(pattern[-1])
    return greedy, tuple(_is_variable(segment) for segment in pattern), -len(pattern), method == "ANY"
