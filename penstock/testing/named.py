"""Resources of a template, found by any name that people have for them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from penstock.errors import UsageError

T = TypeVar("T")

_TRIMMED = ("/Resource", "/Table", "/Queue", "/Topic", "/Bucket", "/Function")
"""Ends of construct paths that say no more than the type does."""


class Named(Generic[T]):
    """Resources of one kind: ``named["Orders"]`` by logical id, construct path, physical name or a function's label.

    Iterating gives the shortest name of each.
    """

    def __init__(self, kind: str, members: Iterable[tuple[T, str, str, str]]) -> None:
        """``kind`` is what messages call one; a member comes with its logical id, construct path and physical name."""
        self._kind = kind
        self._members: list[tuple[T, str]] = []
        self._by_name: dict[str, list[T]] = {}
        for member, logical_id, path, name in members:
            label = _trimmed(path) or logical_id
            self._members.append((member, label))
            for known in {logical_id, path, label, name} - {""}:
                self._by_name.setdefault(known, []).append(member)

    def __getitem__(self, name: str) -> T:
        """The resource of this name; `UsageError` with what there is, or with what the name may mean."""
        found = self._by_name.get(name, [])
        if len(found) == 1:
            return found[0]
        labels = ", ".join(sorted(self)) or "none"
        if found:
            raise UsageError(f"more than one {self._kind} is called {name!r}; use a physical name, or one of: {labels}")
        close = difflib.get_close_matches(name, self._by_name, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"no {self._kind} is called {name!r}{meant}; there are: {labels}")

    def __contains__(self, name: str) -> bool:
        return len(self._by_name.get(name, ())) == 1

    def __iter__(self) -> Iterator[str]:
        return iter([label for _, label in self._members])

    def __len__(self) -> int:
        return len(self._members)


def _trimmed(path: str) -> str:
    end = next((end for end in _TRIMMED if path.endswith(end)), None)
    return path if end is None else _trimmed(path.removesuffix(end))
