"""PartiQL for DynamoDB, read into what the other operations are made of: keys, expressions, names and values.

A path becomes a name placeholder, a literal or a ``?`` a value placeholder; a statement that is not understood to its
last word is refused and never guessed at.

Source: PartiQL statements, functions and operators (DynamoDB developer guide). Left out, and refused: ``ORDER BY``,
``IS NULL``, nested paths in what a SELECT gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["SELECT", "INSERT", "UPDATE", "DELETE", "EXISTS"]


class PartiqlError(Exception):
    """A statement that cannot be read; its text is DynamoDB's, as far as it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conjunct:
    """One of the conditions that hold together; ``name`` and ``value`` where it says that an attribute equals one."""

    text: str
    name: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement: ``where`` and ``update`` are expressions over ``names`` and ``values``.

    ``attributes`` are those that a SELECT gives, none of them meaning all; ``returning`` is ``ALL OLD``,
    ``MODIFIED NEW``, … ; ``modified`` names the attributes that an UPDATE sets or removes.
    """

    kind: Kind
    table: str
    index: str | None = None
    item: Mapping[str, Any] = field(default_factory=dict)
    update: str = ""
    modified: tuple[str, ...] = ()
    where: tuple[Conjunct, ...] = ()
    attributes: tuple[str, ...] = ()
    returning: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether it reads only."""
        return self.kind == "SELECT"


def read_statement(text: str, parameters: Sequence[Mapping[str, Any]]) -> Statement:
    """Read a statement with its parameters, in DynamoDB JSON; raises `PartiqlError`."""
    return _Reader(text, parameters).statement()


_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<symbol><<|>>|<>|!=|<=|>=|[=<>?,.\[\](){}:+*-])
    |(?P<end>\s*;?\s*\Z))""",
    re.VERBOSE,
)
_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CHECKS = ("BEGINS_WITH", "CONTAINS", "ATTRIBUTE_TYPE")
_SETS = {"S": "SS", "N": "NS", "B": "BS"}
_LITERALS: Mapping[str, Mapping[str, bool]] = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}


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


class _Reader:
    """One reading of one statement, from its first token to its last."""

    def __init__(self, text: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._parameters = list(parameters)
        self._used = 0
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def statement(self) -> Statement:
        """The statement; nothing may follow it."""
        readings = {
            "SELECT": self._select,
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
            "EXISTS": self._exists,
        }
        for word, reading in readings.items():
            if self._taken(word):
                statement = reading()
                if self._tokens[self._at][0] != "end":
                    raise self._unexpected()
                if self._used != len(self._parameters):
                    raise PartiqlError("Number of parameters in request and statement don't match.")
                return statement
        raise self._unexpected()

    # Tokens.

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

    # Statements.

    def _insert(self) -> Statement:
        self._take("INTO")
        table = self._name()
        self._take("VALUE")
        value = self._value()
        if "M" not in value:
            raise PartiqlError("Statement wasn't well formed, can't be processed: VALUE is no tuple")
        return Statement(kind="INSERT", table=table, item=value["M"])

    def _update(self) -> Statement:
        table = self._name()
        clauses: dict[str, list[str]] = {}
        modified: list[str] = []
        word = self._one_of("SET", "REMOVE")
        while word:
            modified.append(self._assignment(clauses) if word == "SET" else self._removal(clauses))
            if not self._taken(","):
                word = next((each for each in ("SET", "REMOVE") if self._taken(each)), "")
        self._take("WHERE")
        where = self._where()
        return Statement(
            kind="UPDATE",
            table=table,
            update=" ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items()),
            modified=tuple(modified),
            where=where,
            returning=self._returning(),
            names=self._names,
            values=self._values,
        )

    def _assignment(self, clauses: dict[str, list[str]]) -> str:
        """One ``path = data``; gives the name of its attribute."""
        path = self._path()
        self._take("=")
        for function, clause in (("SET_ADD", "ADD"), ("SET_DELETE", "DELETE")):
            if self._taken(function):
                self._take("(")
                if self._path() != path:
                    raise self._unexpected()
                self._take(",")
                clauses.setdefault(clause, []).append(f"{path} {self._placeholder(self._value())}")
                self._take(")")
                break
        else:
            data = self._data()
            for sign in ("+", "-"):
                if self._taken(sign):
                    data += f" {sign} {self._data()}"
            clauses.setdefault("SET", []).append(f"{path} = {data}")
        return self._attribute_of(path)

    def _data(self) -> str:
        for function in ("list_append", "if_not_exists"):
            if self._taken(function.upper()):
                self._take("(")
                first = self._operand()
                self._take(",")
                second = self._operand()
                self._take(")")
                return f"{function}({first}, {second})"
        return self._operand()

    def _removal(self, clauses: dict[str, list[str]]) -> str:
        path = self._path()
        clauses.setdefault("REMOVE", []).append(path)
        return self._attribute_of(path)

    def _delete(self) -> Statement:
        self._take("FROM")
        table = self._name()
        self._take("WHERE")
        where = self._where()
        returning = self._returning()
        if returning not in (None, "ALL OLD"):
            raise self._unexpected()
        return Statement(
            kind="DELETE", table=table, where=where, returning=returning, names=self._names, values=self._values
        )

    def _exists(self) -> Statement:
        self._take("(", "SELECT")
        selected = self._select()
        self._take(")")
        return Statement(
            kind="EXISTS", table=selected.table, where=selected.where, names=selected.names, values=selected.values
        )

    def _select(self) -> Statement:
        attributes: list[str] = []
        if not self._taken("*"):
            attributes.append(self._name())
            while self._taken(","):
                attributes.append(self._name())
        self._take("FROM")
        table = self._name()
        index = self._name() if self._taken(".") else None
        where = self._where() if self._taken("WHERE") else ()
        return Statement(
            kind="SELECT",
            table=table,
            index=index,
            where=where,
            attributes=tuple(attributes),
            names=self._names,
            values=self._values,
        )

    def _returning(self) -> str | None:
        if not self._taken("RETURNING"):
            return None
        which = self._one_of("ALL", "MODIFIED")
        when = self._one_of("OLD", "NEW")
        self._take("*")
        return f"{which} {when}"

    # Conditions.

    def _where(self) -> tuple[Conjunct, ...]:
        conjuncts = [self._conjunct()]
        while self._taken("AND"):
            conjuncts.append(self._conjunct())
        if self._taken("OR"):
            together = " AND ".join(conjunct.text for conjunct in conjuncts)
            return (Conjunct(text=f"(({together}) OR ({self._either()}))"),)
        return tuple(conjuncts)

    def _either(self) -> str:
        """Conditions joined by AND and OR, of which AND binds closer."""
        text = self._conjunct().text
        while (word := self._taken("AND")) or self._taken("OR"):
            text += f" {'AND' if word else 'OR'} {self._conjunct().text}"
        return text

    def _conjunct(self) -> Conjunct:
        if self._taken("NOT"):
            return Conjunct(text=f"(NOT {self._conjunct().text})")
        if self._taken("("):
            text = self._either()
            self._take(")")
            return Conjunct(text=f"({text})")
        for function in _CHECKS:
            if self._taken(function):
                self._take("(")
                path = self._path()
                self._take(",")
                second = self._operand()
                self._take(")")
                return Conjunct(text=f"{function.lower()}({path}, {second})")
        return self._comparison()

    def _comparison(self) -> Conjunct:
        left = self._operand()
        if self._taken("BETWEEN"):
            low = self._operand()
            self._take("AND")
            return Conjunct(text=f"({left} BETWEEN {low} AND {self._operand()})")
        if self._taken("IN"):
            close = {"[": "]", "(": ")"}[self._one_of("[", "(")]
            return Conjunct(text=f"({left} IN ({', '.join(self._list_of(self._operand, close))}))")
        if self._taken("IS"):
            function = "attribute_exists" if self._taken("NOT") else "attribute_not_exists"
            self._take("MISSING")
            return Conjunct(text=f"{function}({left})")
        sign = self._one_of(*_COMPARISONS)
        right = self._operand()
        equal = sign == "=" and left in self._names and right in self._values
        return Conjunct(
            text=f"{left} {_COMPARISONS[sign]} {right}",
            name=self._names[left] if equal else None,
            value=self._values[right] if equal else None,
        )

    # Paths and values.

    def _operand(self) -> str:
        if self._taken("SIZE"):
            self._take("(")
            path = self._path()
            self._take(")")
            return f"size({path})"
        kind, text = self._tokens[self._at]
        if kind == "quoted" or (kind == "word" and text.upper() not in _LITERALS):
            return self._path()
        return self._placeholder(self._value())

    def _name(self) -> str:
        return self._take_kind("quoted", "word")

    def _path(self) -> str:
        path = self._name_placeholder(self._name())
        while True:
            if self._taken("."):
                path += f".{self._name_placeholder(self._name())}"
            elif self._taken("["):
                path += f"[{self._take_kind('number')}]"
                self._take("]")
            else:
                return path

    def _name_placeholder(self, name: str) -> str:
        for placeholder, known in self._names.items():
            if known == name:
                return placeholder
        self._names[placeholder := f"#n{len(self._names)}"] = name
        return placeholder

    def _attribute_of(self, path: str) -> str:
        return self._names[re.split(r"[.\[]", path, maxsplit=1)[0]]

    def _placeholder(self, value: Any) -> str:
        self._values[placeholder := f":v{len(self._values)}"] = value
        return placeholder

    def _value(self) -> Any:
        """A literal or a parameter, in DynamoDB JSON."""
        if self._taken("?"):
            if self._used == len(self._parameters):
                raise PartiqlError("Number of parameters in request and statement don't match.")
            self._used += 1
            return self._parameters[self._used - 1]
        if self._taken("{"):
            return {"M": dict(self._list_of(self._member, "}"))}
        if self._taken("["):
            return {"L": self._list_of(self._value, "]")}
        if self._taken("<<"):
            return self._set(self._list_of(self._value, ">>"))
        for word, literal in _LITERALS.items():
            if self._taken(word):
                return literal
        if self._taken("-"):
            return {"N": f"-{self._take_kind('number')}"}
        if self._tokens[self._at][0] == "number":
            return {"N": self._take_kind("number")}
        return {"S": self._take_kind("string")}

    def _member(self) -> tuple[str, Any]:
        name = self._take_kind("string", "quoted", "word")
        self._take(":")
        return name, self._value()

    def _set(self, members: list[dict[str, Any]]) -> dict[str, list[Any]]:
        kinds = {kind for member in members for kind in member}
        if len(kinds) != 1 or not kinds <= _SETS.keys():
            raise PartiqlError("Statement wasn't well formed, can't be processed: a set has members of one scalar type")
        kind = kinds.pop()
        return {_SETS[kind]: [member[kind] for member in members]}
