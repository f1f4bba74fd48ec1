"""Fold a batch before it is written: what is older than another change of its key needs no write.

Rung 2 of the ladder, *fold*. Exact where a change carries all of its key, as a snapshot does, and not only what is
different: then the newest one says everything. It saves writes but guards nothing, so what it leaves still needs a
fence, or a name that a repetition has as well. Cost: none.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

_Change = TypeVar("_Change")


def newest_per_key(
    changes: Iterable[_Change], *, key: Callable[[_Change], Hashable], version: Callable[[_Change], int]
) -> list[_Change]:
    """Keep the newest change of each key; keys stay in the sequence of their first change, of equals the first stays.

    Versions are numbers: sequence numbers are decimal text of different lengths and have to be read as integers first.
    """
    newest: dict[Hashable, _Change] = {}
    for change in changes:
        kept = newest.get(key(change))
        if kept is None or version(kept) < version(change):
            newest[key(change)] = change
    return list(newest.values())
