"""One reading of one statement, from its first token to its last."""

from __future__ import annotations

from penstock.cloud.repairs.partiql.conditions import Conditions
from penstock.cloud.repairs.partiql.statement import PartiqlError, Statement


class Reader(Conditions):
    """Reads each kind of statement."""

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
