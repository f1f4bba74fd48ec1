"""PS5: chains that can set themselves off again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from penstock.checks.rule import Evidence, rule
from penstock.checks.subject import Subject
from penstock.checks.wiring import WRITERS, Edge, edges, way, writes
from penstock.template.stores import TABLE_TYPES


@lru_cache(maxsize=8)
def _outgoing(subject: Subject) -> dict[str, list[Edge]]:
    """Address → the edges that leave it."""
    outgoing: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges(subject):
        outgoing[edge.start.address].append(edge)
    return outgoing


def _back(subject: Subject, write: Edge) -> list[Edge]:
    """The shortest way from what is written to the one that writes it."""
    return way(_outgoing(subject), write.end, write.start)


def _is_direct(path: list[Edge]) -> bool:
    """Whether a path is one mapping that lets everything through."""
    return len(path) == 1 and path[0].mapping is not None and not path[0].mapping.patterns


@rule(
    "PS501",
    "error",
    "a function that feeds itself",
    over=writes,
    why="It may write to what it reads, and nothing is filtered: one record can set it off for ever, at the full price "
    "of each round.",
    remedy="Write elsewhere, or let the mapping's filter pass only what the function does not write itself.",
)
def feeds_itself(subject: Subject, write: Edge) -> Iterator[Evidence]:
    """A source that its own reader may write, without a filter between."""
    path = _back(subject, write)
    if _is_direct(path):
        yield Evidence(resource=write.start, text=_told([*path, write]))


@rule(
    "PS502",
    "warning",
    "a chain that comes back to its beginning",
    over=writes,
    why="What one end writes sets off the other. That is sound only if each round is another one, and the last ends: "
    "nothing in a template can show this.",
    remedy="Let filters and patterns pass only what the next step needs. If the chain ends, suppress this with the "
    "reason, and name the test that proves it.",
)
def comes_back(subject: Subject, write: Edge) -> Iterator[Evidence]:
    """A longer way, or a filtered one, from what is written back to the writer."""
    path = _back(subject, write)
    if path and not _is_direct(path) and _told_of(path, write) is write:
        yield Evidence(resource=write.start, text=_told([*path, write]))


def _told_of(path: list[Edge], write: Edge) -> Edge:
    """The write at which a circle is told, so that it is told once: one into a table, if there is one."""
    written = [edge for edge in (*path, write) if edge.start.type in WRITERS]
    return min(written, key=lambda edge: (edge.end.type not in TABLE_TYPES, edge.start.address))


def _told(path: list[Edge]) -> str:
    steps = [f"{edge.start.logical_id} ─ {edge.how} → " for edge in path]
    return "".join(steps) + path[-1].end.logical_id


RULES = (feeds_itself, comes_back)
