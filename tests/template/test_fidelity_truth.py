"""What is called simulated is read: by whoever loads the template, defines it, or starts what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from penstock.application import Application
from penstock.template import reader
from penstock.template.fidelity import PROPERTIES, Verdicts
from penstock.template.identifiers import IDENTITIES, names_needed
from penstock.template.models import Resource
from penstock.template.stack import Stack
from tests.template.assembly_writer import AssemblyWriter
from tests.template.every_property import EVERY_PROPERTY, write_every_property


class Watched(dict[str, Any]):
    """An object of the template that notes which of its properties somebody looks at, and so do those within it."""

    def __init__(self, values: Mapping[str, Any], path: str, seen: set[str]) -> None:
        super().__init__({name: _watched(value, f"{path}.{name}", seen) for name, value in values.items()})
        self._path = path
        self._seen = seen

    def _note(self, name: object) -> None:
        self._seen.add(f"{self._path}.{name}")

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Look at one property."""
        self._note(name)
        return super().get(name, default)

    def items(self) -> Any:
        """Look at all."""
        for name in self:
            self._note(name)
        return super().items()

    def values(self) -> Any:
        """Look at all."""
        for name in self:
            self._note(name)
        return super().values()


def _watched(value: Any, path: str, seen: set[str]) -> Any:
    if isinstance(value, Mapping):
        return Watched(value, path, seen)
    return [_watched(element, path, seen) for element in value] if isinstance(value, list) else value


def simulated(path: str, verdicts: Verdicts) -> Iterator[str]:
    """The paths of the properties of which nothing but ``simulated`` is said."""
    for name, verdict in verdicts.items():
        if isinstance(verdict, str):
            yield from [f"{path}.{name}"] if verdict == "simulated" else []
        else:
            yield from simulated(f"{path}.{name}", verdict)


SIMULATED = {path for resource_type, verdicts in PROPERTIES.items() for path in simulated(resource_type, verdicts)}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, assembly: AssemblyWriter) -> set[str]:
    """What was looked at from the first line of the template to its running application, ``<type>.<property path>``."""
    noted: set[str] = set()
    resources = Stack.resources

    def watched(stack: Stack) -> Iterator[Resource]:
        for resource in resources(stack):
            yield replace(resource, properties=Watched(resource.properties, resource.type, noted))

    monkeypatch.setattr(Stack, "resources", watched)
    monkeypatch.setattr(reader, "judge", lambda _: ())  # the report itself looks at everything
    write_every_property(assembly)
    with Application.start(assembly.path, clock="jumping"):
        return noted


def test_what_is_simulated_is_read(seen: set[str]) -> None:
    """A property that nothing looks at is not simulated, whatever the table says."""
    named = {f"{kind}.{name}" for kind in PROPERTIES for name in names_needed(IDENTITIES[kind])}

    assert sorted(SIMULATED - seen - named) == []


def test_every_simulated_property_is_put_to_the_test() -> None:
    """The template of this test has each of them."""
    held: set[str] = set()
    for resource in EVERY_PROPERTY.values():
        _collect(resource["Type"], resource["Properties"], held)

    assert sorted(SIMULATED - held) == []


def _collect(path: str, value: Any, held: set[str]) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            held.add(f"{path}.{name}")
            _collect(f"{path}.{name}", inner, held)
    elif isinstance(value, list):
        for element in value:
            _collect(path, element, held)
