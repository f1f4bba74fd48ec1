"""What follows WHERE."""

from __future__ import annotations

from penstock.cloud.repairs.partiql.statement import Conjunct
from penstock.cloud.repairs.partiql.terms import Terms

_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CHECKS = ("BEGINS_WITH", "CONTAINS", "ATTRIBUTE_TYPE")


class Conditions(Terms):
    """Reads conditions into condition expressions."""

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
