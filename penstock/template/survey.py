"""Reads whatever a template says, as far as it can be read: for judging a template, not for running it.

Nothing is refused that a single stack can be read without. A value that cannot be known (a parameter without default,
an import from elsewhere, an attribute of a type that is not in the tables) stays as a text that names it, ``${Name}``:
two references to the same thing remain equal, and a rule that needs a number there says that it could not judge.
Source: our choice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.errors import TemplateError
from penstock.template.assembly import StackDocument, read_assembly
from penstock.template.exports import Exports
from penstock.template.identifiers import Environment
from penstock.template.intrinsics import Place, Resolver
from penstock.template.models import LeftOut, Resource
from penstock.template.parameters import Parameters, check_given
from penstock.template.reader import environment_of
from penstock.template.resources import Resources
from penstock.template.skipping import Skipping
from penstock.template.stack import SECTIONS, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The resources of all stacks, a line for each thing that could not be read, and what was left out on purpose."""

    environment: Environment
    resources: Resources
    untold: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def survey(path: Path, *, parameters: Mapping[str, str] | None = None, skip: Collection[str] = ()) -> Survey:
    """Read a ``cdk.out`` directory or one template file; ``parameters`` and ``skip`` are those of `reader.load`.

    Raises `EnvironmentProblem` for what is not on this disk, `UsageError` for parameters and names that do not fit the
    template, `TemplateError` for what is no template at all, for one that only AWS can expand, and for stacks of
    several environments.
    """
    assembly = read_assembly(path)
    environment = environment_of(assembly.stacks)
    untold: list[str] = []
    sources = [_readable(each, untold) for each in assembly.stacks]
    given = [Parameters(each, parameters or {}) for each in sources]
    check_given(given, parameters or {})
    skipping, exports = Skipping(skip, sources), Exports()
    stacks = [
        _SurveyedStack(source, environment=environment, exports=exports, parameters=its_own, skipping=skipping)
        for source, its_own in zip(sources, given, strict=True)
    ]
    for stack in stacks:
        try:
            exports.add(stack)
        except TemplateError as problem:
            untold.append(str(problem))
    resources = Resources(resource for stack in stacks for resource in stack.resources())
    left_out = tuple(each for stack in stacks for each in stack.left_out())
    skipping.check(left_out)
    for stack in stacks:
        untold += stack.untold()
    return Survey(
        environment=environment,
        resources=resources,
        untold=tuple(dict.fromkeys(untold)),
        left_out=left_out,
    )


def _readable(source: StackDocument, untold: list[str]) -> StackDocument:
    """A stack's document without what is no section and no resource."""
    document = {name: section for name, section in source.document.items() if name in SECTIONS}
    for section in source.document.keys() - document.keys():
        untold.append(f"{source.name}: the section {section} is not read")
    resources: dict[str, Any] = {}
    for logical_id, written in source.document["Resources"].items():
        if isinstance(written, dict) and isinstance(written.get("Type"), str):
            resources[logical_id] = {
                **written,
                **{name: _object(written.get(name)) for name in ("Properties", "Metadata")},
            }
        else:
            untold.append(f"{source.name}/{logical_id}: this is no resource")
    return replace(source, document={**document, "Resources": resources})


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


class _ForgivingResolver(Resolver):
    """Leaves a text that names it in the place of what cannot be resolved."""

    def __init__(self, **sections: Any) -> None:
        super().__init__(**sections)
        self.problems: list[str] = []

    def resolve(self, value: Any, place: Place) -> Any:
        """See `Resolver`; nothing is raised."""
        try:
            return super().resolve(value, place)
        except TemplateError as problem:
            self.problems.append(str(problem))
            return _named(value)

    def condition(self, name: str, place: Place) -> bool:
        """See `Resolver`; a condition that cannot be decided is taken to hold."""
        try:
            return super().condition(name, place)
        except TemplateError as problem:
            self.problems.append(f"{problem} (the condition is taken to hold)")
            self._deciding.clear()
            self._decided[str(name)] = True
            return True


class _SurveyedStack(Stack):
    """A stack of which nothing is refused."""

    resolver = _ForgivingResolver

    def resources(self) -> Iterator[Resource]:
        """See `Stack`; properties that are no object, once resolved, count as none."""
        for resource in super().resources():
            yield resource if isinstance(resource.properties, dict) else replace(resource, properties={})

    def untold(self) -> list[str]:
        """What could not be read, a line each."""
        assert isinstance(self._resolver, _ForgivingResolver)
        return [f"{self.name}/{problem}" for problem in self._resolver.problems]


def _named(value: Any) -> Any:
    """A text that names what could not be resolved: ``${Name}``, ``${Name.Arn}``, the text of a ``Fn::Sub``."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(logical_id), str(attribute)]}:
            return f"${{{logical_id}.{attribute}}}"
        case {"Fn::GetAtt": str(name)}:
            return f"${{{name}}}"
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]} | str(text):
            return text
        case _:
            return f"${{{json.dumps(value, default=str)}}}"
