"""Typed reading of resolved properties: what has the wrong type is refused with its place.

CloudFormation takes ``"30"`` for 30 and ``"true"`` for true; so does this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar, overload

from penstock.errors import TemplateError
from penstock.template.intrinsics import Place
from penstock.template.models import Resource

T = TypeVar("T")


class _Required:
    """The default of a property that has none."""


REQUIRED: Final = _Required()


class Properties:
    """An object of a template with the place where it stands."""

    def __init__(self, values: Mapping[str, Any], place: Place) -> None:
        self.values = values
        self.place = place

    @classmethod
    def of(cls, resource: Resource) -> Properties:
        """The properties of a resource."""
        return cls(resource.properties, Place(logical_id=resource.logical_id))

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def error(self, name: str, problem: str, remedy: str) -> TemplateError:
        """A template error about one property."""
        return self.place.at(name).error(problem, remedy)

    @overload
    def text(self, name: str) -> str: ...
    @overload
    def text(self, name: str, default: str) -> str: ...
    @overload
    def text(self, name: str, default: None) -> str | None: ...
    def text(self, name: str, default: str | _Required | None = REQUIRED) -> str | None:
        """A text; refused when it is absent and there is no default."""
        value = self.values.get(name)
        if value is None:
            return self._absent(name, default)
        if isinstance(value, (dict, list)):
            raise self.error(name, f"{value!r} is no text", "give a text")
        return str(value).lower() if isinstance(value, bool) else str(value)

    @overload
    def integer(self, name: str) -> int: ...
    @overload
    def integer(self, name: str, default: int) -> int: ...
    @overload
    def integer(self, name: str, default: None) -> int | None: ...
    def integer(self, name: str, default: int | _Required | None = REQUIRED) -> int | None:
        """A whole number; refused when it is absent and there is no default."""
        value = self.values.get(name)
        if value is None:
            return self._absent(name, default)
        try:
            if isinstance(value, bool) or float(value) != int(float(value)):
                raise ValueError
            return int(float(value))
        except (TypeError, ValueError):
            raise self.error(name, f"{value!r} is no whole number", "give a whole number") from None

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.values.get(name)
        if value is None:
            return default
        if str(value).lower() not in ("true", "false"):
            raise self.error(name, f"{value!r} is neither true nor false", "give true or false")
        return str(value).lower() == "true"

    def object(self, name: str) -> Properties:
        """An object, empty when absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.error(name, f"{value!r} is no object", "give an object")
        return Properties(value or {}, self.place.at(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty when absent; a single text is a list of one."""
        value = self.values.get(name)
        if value is None:
            return ()
        elements = value if isinstance(value, list) else [value]
        if any(isinstance(element, (dict, list)) for element in elements):
            raise self.error(name, f"{value!r} is no list of texts", "give a list of texts")
        return tuple(str(element).lower() if isinstance(element, bool) else str(element) for element in elements)

    def objects(self, name: str) -> tuple[Properties, ...]:
        """A list of objects, empty when absent."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(element, dict) for element in value):
            raise self.error(name, f"{value!r} is no list of objects", "give a list of objects")
        return tuple(Properties(element, self.place.at(name).at(index)) for index, element in enumerate(value))

    def entries(self) -> Iterator[tuple[str, Properties]]:
        """Name and object of each property, all of which must be objects."""
        for name in self.values:
            if self.values[name] is None:
                raise self.error(name, "this is no object", "give an object")
            yield name, self.object(name)

    def _absent(self, name: str, default: T | _Required) -> T:
        """The default of an absent property."""
        if isinstance(default, _Required):
            raise self.error(name, "this property is missing", "add it")
        return default
