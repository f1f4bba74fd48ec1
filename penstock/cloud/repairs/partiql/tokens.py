"""The words of a statement, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from penstock.cloud.repairs.partiql.statement import PartiqlError

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<symbol><<|>>|<>|!=|<=|>=|[=<>?,.\[\](){}:+*-])
    |(?P<end>\s*;?\s*\Z))""",
    re.VERBOSE,
)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of each token, the end included."""
    position = 0
    while True:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise PartiqlError(f"Statement wasn't well formed, can't be processed: Unexpected {text[position:][:20]!r}")
        yield found.lastgroup, found[found.lastgroup]
        if found.lastgroup == "end":
            return
        position = found.end()


class Tokens:
    """The tokens of one statement and how far they are read, with what was found of parameters, names and values."""

    def __init__(self, text: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._parameters = list(parameters)
        self._used = 0
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def _unexpected(self) -> PartiqlError:
        kind, text = self._tokens[self._at]
        what = "end of statement" if kind == "end" else repr(text)
        return PartiqlError(f"Statement wasn't well formed, can't be processed: Unexpected {what}")

    def _taken(self, expected: str) -> bool:
        """Go past a keyword or symbol if it is the next token."""
        kind, text = self._tokens[self._at]
        found = text.upper() == expected if kind == "word" else kind == "symbol" and text == expected
        self._at += found
        return found

    def _take(self, *expected: str) -> None:
        for each in expected:
            if not self._taken(each):
                raise self._unexpected()

    def _one_of(self, *expected: str) -> str:
        for each in expected:
            if self._taken(each):
                return each
        raise self._unexpected()

    def _take_kind(self, *kinds: str) -> str:
        kind, text = self._tokens[self._at]
        if kind not in kinds:
            raise self._unexpected()
        self._at += 1
        quote = {"quoted": '"', "string": "'"}.get(kind)
        return text[1:-1].replace(quote * 2, quote) if quote else text

    def _list_of(self, part: Callable[[], Any], close: str) -> list[Any]:
        """Parts between commas up to a closing symbol."""
        parts: list[Any] = []
        while not self._taken(close):
            if parts:
                self._take(",")
            parts.append(part())
        return parts
