"""A statement of PartiQL as data."""

from __future__ import annotations

from collections.abc import Mapping
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
