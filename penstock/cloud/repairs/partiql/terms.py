"""Paths and values: what conditions and assignments are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from penstock.cloud.repairs.partiql.statement import PartiqlError
from penstock.cloud.repairs.partiql.tokens import Tokens

_SETS = {"S": "SS", "N": "NS", "B": "BS"}
_LITERALS: Mapping[str, Mapping[str, bool]] = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}


class Terms(Tokens):
    """Reads paths into placeholders of names, and literals and parameters into placeholders of values."""

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
