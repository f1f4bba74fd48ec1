"""One stack under resolution: its parameters, the names of its resources, its exports.

Values are resolved when they are asked for, so references may point forward and across stacks; a circle is
refused with its members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.errors import TemplateError
from penstock.template.assembly import StackDocument
from penstock.template.fidelity import SUPPORTED_TYPES
from penstock.template.identifiers import IDENTITIES, Environment, Identified, Identity, identify, names_needed
from penstock.template.intrinsics import NO_VALUE, Place, Resolver
from penstock.template.models import Resource
from penstock.template.properties import Properties

SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",  # assertions about parameters, judged by AWS when it deploys
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definition:
    """A resource as the template writes it, unresolved."""

    type: str
    identity: Identity
    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]
    deletion_policy: str


class Exports:
    """What the stacks export to one another: export name → the stack and the output's value, unresolved."""

    def __init__(self) -> None:
        self._exports: dict[str, tuple[Stack, str]] = {}
        self._resolving: list[str] = []

    def add(self, stack: Stack) -> None:
        """Register all exports of a stack; `TemplateError` for a name that is taken."""
        for name, output_key in stack.export_names():
            if name in self._exports:
                other = self._exports[name][0].name
                raise TemplateError(
                    f"{name} is exported by {other} and by {stack.name}",
                    logical_id=output_key,
                    property_path="Export.Name",
                    remedy="export names are unique in an account and region: rename one",
                )
            self._exports[name] = (stack, output_key)

    def value(self, name: str, place: Place) -> Any:
        """The value of an export."""
        if name not in self._exports:
            raise place.error(f"no stack exports {name}", "load the stack that exports it too")
        if name in self._resolving:
            raise place.error(f"the export {name} depends on itself", "break the circle")
        stack, output_key = self._exports[name]
        self._resolving.append(name)
        value = stack.output(output_key)
        self._resolving.pop()
        return value


class Stack:
    """The document of one stack, answering what its names stand for."""

    resolver: type[Resolver] = Resolver

    def __init__(self, source: StackDocument, *, environment: Environment, exports: Exports) -> None:
        self.name = source.name
        self._document = source.document
        self._given = source.parameters
        self._paths = source.paths
        self._environment = environment
        self._exports = exports
        self._identified: dict[str, Identified] = {}
        self._identifying: list[str] = []
        self._resolver = self.resolver(
            references=self,
            mappings=self._section("Mappings"),
            conditions=self._section("Conditions"),
            region=environment.region,
        )
        for section in self._document:
            if section not in SECTIONS:
                raise TemplateError(f"the section {section} of stack {self.name} is not supported", remedy="remove it")
        self._definitions: dict[str, _Definition] = {}  # while conditions are decided, which know no resource
        self._definitions = self._defined()
        outputs = Properties(self._section("Outputs"), Place(logical_id="Outputs"))
        self._outputs = dict(outputs.entries())

    # --- what the reader asks for ----------------------------------------------------------------

    def resources(self) -> Iterator[Resource]:
        """The resources whose condition holds, resolved, in the order of the template."""
        for logical_id, definition in self._definitions.items():
            place = Place(logical_id=logical_id)
            identified = self._identify(logical_id, place)
            yield Resource(
                logical_id=logical_id,
                type=definition.type,
                stack=self.name,
                properties=self._resolver.resolve(definition.properties, place),
                physical_id=identified.physical_id,
                arn=identified.arn,
                attributes=identified.attributes,
                path=self._paths.get(logical_id, ""),
                metadata=definition.metadata,
                deletion_policy=definition.deletion_policy,
            )

    def output_keys(self) -> Iterator[str]:
        """The outputs whose condition holds."""
        for key, output in self._outputs.items():
            if "Condition" not in output or self._resolver.condition(output.text("Condition"), output.place):
                yield key

    def output(self, key: str) -> Any:
        """The value of an output."""
        output = self._outputs[key]
        if "Value" not in output:
            raise output.error("Value", "this output has no value", "give it one")
        return self._resolver.resolve(output.values["Value"], output.place.at("Value"))

    def export_names(self) -> Iterator[tuple[str, str]]:
        """Export name → output key, as pairs."""
        for key in self.output_keys():
            export = self._outputs[key].object("Export")
            if "Name" in export:
                yield str(self._resolver.resolve(export.values["Name"], export.place.at("Name"))), key

    # --- References ------------------------------------------------------------------------------

    def ref(self, name: str, place: Place) -> Any:
        """See `References`."""
        pseudo = {
            "AWS::AccountId": self._environment.account_id,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": self._environment.partition,
            "AWS::Region": self._environment.region,
            "AWS::StackId": self._environment.stack_id(self.name),
            "AWS::StackName": self.name,
            "AWS::URLSuffix": self._environment.url_suffix,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self._section("Parameters"):
            return self._parameter(name, place)
        return self._identify(name, place).physical_id

    def attribute(self, logical_id: str, attribute: str, place: Place) -> Any:
        """See `References`."""
        attributes = self._identify(logical_id, place).attributes
        if attribute not in attributes:
            known = ", ".join(attributes) or "none"
            raise place.error(f"{logical_id} has no attribute {attribute}", f"its attributes are: {known}")
        return attributes[attribute]

    def import_value(self, export: str, place: Place) -> Any:
        """See `References`."""
        return self._exports.value(export, place)

    # --- within ----------------------------------------------------------------------------------

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self._document.get(name) or {}
        if not isinstance(section, dict):
            raise TemplateError(f"{name} of stack {self.name} is no object", remedy="correct the template")
        return section

    def _defined(self) -> dict[str, _Definition]:
        """Logical id → definition, without those whose condition fails; each of a supported type."""
        defined: dict[str, _Definition] = {}
        for logical_id, written in self._section("Resources").items():
            place = Place(logical_id=logical_id)
            if not isinstance(written, dict):
                raise place.error("this resource is no object", "give it a Type")
            definition = Properties(written, place)
            if "Condition" in definition and not self._resolver.condition(definition.text("Condition"), place):
                continue
            defined[logical_id] = _Definition(
                type=definition.text("Type"),
                identity=self._identity_of(definition.text("Type"), place),
                properties=definition.object("Properties").values,
                metadata=definition.object("Metadata").values,
                deletion_policy=str(written.get("DeletionPolicy", "")),
            )
        return defined

    def _identity_of(self, resource_type: str, place: Place) -> Identity:
        """How resources of a type are called; refused for a type that is not supported."""
        if resource_type not in IDENTITIES:
            supported = ", ".join(SUPPORTED_TYPES)
            raise place.at("Type").error(
                f"resources of type {resource_type} are not supported", f"supported are {supported}"
            )
        return IDENTITIES[resource_type]

    def _parameter(self, name: str, place: Place) -> Any:
        """The value that the assembly gives to a parameter, or its default."""
        parameter = Properties(self._section("Parameters"), Place(logical_id="Parameters")).object(name)
        kind = parameter.text("Type", "String")
        if name not in self._given and "Default" not in parameter:
            raise place.error(f"the parameter {name} has no value", f"give Parameters.{name} a Default")
        if name not in self._given and kind.startswith("AWS::SSM::Parameter::Value"):
            raise place.error(
                f"the value of the parameter {name} is kept in SSM ({parameter.text('Default')}), which is not there",
                "make it a String parameter with a Default",
            )
        value = self._given.get(name, parameter.values.get("Default"))
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [part.strip() for part in str(value).split(",")]
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _identify(self, logical_id: str, place: Place) -> Identified:
        """The names of a resource, computed from those of its properties that they depend on."""
        if logical_id in self._identified:
            return self._identified[logical_id]
        definition = self._definitions.get(logical_id)
        if definition is None:
            problem = f"there is no parameter or resource {logical_id}"
            if logical_id in self._section("Resources"):
                problem = f"{logical_id} is not defined, because its condition does not hold"
            raise place.error(problem, "refer to one that is defined")
        if logical_id in self._identifying:
            circle = " → ".join([*self._identifying, logical_id])
            raise place.error(f"the names depend on one another in a circle: {circle}", "break the circle")
        self._identifying.append(logical_id)
        identity = definition.identity
        identified = identify(
            identity,
            environment=self._environment,
            stack=self.name,
            logical_id=logical_id,
            properties=self._properties(logical_id, names_needed(identity)),
            number=self._version_number(logical_id),
        )
        self._identifying.pop()
        self._identified[logical_id] = identified
        return identified

    def _properties(self, logical_id: str, names: tuple[str, ...]) -> dict[str, Any]:
        """Some of the properties of a resource, resolved."""
        properties = self._definitions[logical_id].properties
        place = Place(logical_id=logical_id)
        wanted = {name: properties[name] for name in names if name in properties}
        resolved: dict[str, Any] = self._resolver.resolve(wanted, place)
        return resolved

    def _version_number(self, logical_id: str) -> int:
        """The number of a function's version: versions of one function count from 1 in the order of the template."""
        number = 1
        definition = self._definitions[logical_id]
        for other_id, other in self._definitions.items():
            if other_id == logical_id:
                break
            same_type = other.type == definition.type == "AWS::Lambda::Version"
            if same_type and other.properties.get("FunctionName") == definition.properties.get("FunctionName"):
                number += 1
        return number
