"""One stack under resolution: the names of its resources, what is left out of them, its outputs.

Values are resolved when they are asked for, so references may point forward and across stacks; a circle is
refused with its members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.errors import TemplateError
from penstock.template.assembly import StackDocument
from penstock.template.exports import Exports
from penstock.template.identifiers import IDENTITIES, Environment, Identified, Identity, identify, names_needed
from penstock.template.intrinsics import NO_VALUE, Place, Resolver
from penstock.template.models import LeftOut, Resource
from penstock.template.parameters import Parameters
from penstock.template.properties import Properties
from penstock.template.skipping import HANGS_ON, LEADS_TO, PROVIDED_BY, SENDS_TO, Skipping, at, made_up, replaced

ONE_ENVIRONMENT: Final = "give stacks of one account and region"
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


_ANY_TYPE: Final = Identity()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definition:
    """A resource as the template writes it, unresolved."""

    type: str
    identity: Identity
    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]
    deletion_policy: str


class Stack:
    """The document of one stack, answering what its names stand for."""

    resolver: type[Resolver] = Resolver

    def __init__(
        self,
        source: StackDocument,
        *,
        environment: Environment,
        exports: Exports,
        parameters: Parameters,
        skipping: Skipping,
    ) -> None:
        self.name = source.name
        self._document = source.document
        self._parameters = parameters
        self._skipping = skipping
        self._paths = source.paths
        self._environment = environment
        self._exports = exports
        self._left_out: dict[str, str | None] = {}
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
        """The resources that are not left out and whose condition holds, resolved, in the order of the template."""
        for logical_id, definition in self._remaining():
            place = Place(logical_id=logical_id)
            properties, _ = self._pruned(logical_id)
            self._check_destinations(logical_id)
            identified = self._identify(logical_id, place)
            yield Resource(
                logical_id=logical_id,
                type=definition.type,
                stack=self.name,
                properties=self._resolver.resolve(properties, place),
                physical_id=identified.physical_id,
                arn=identified.arn,
                attributes=identified.attributes,
                path=self._paths.get(logical_id, ""),
                metadata=definition.metadata,
                deletion_policy=definition.deletion_policy,
            )

    def outlines(self, *names: str) -> Iterator[tuple[str, str, Properties]]:
        """Logical id, type and some of the properties of each resource that is not left out."""
        for logical_id, definition in self._remaining():
            yield (
                logical_id,
                definition.type,
                Properties(self._properties(logical_id, names), Place(logical_id=logical_id)),
            )

    def left_out(self) -> Iterator[LeftOut]:
        """What is left out of this stack: whole resources, elements that lead to one, and where one is mentioned."""
        for logical_id in self._definitions if self._skipping.asked else ():
            root = self._root(logical_id)
            if root is not None:
                yield self._gone(logical_id, "", root)
                continue
            properties, lost = self._pruned(logical_id)
            yield from (self._gone(logical_id, path, because) for path, because in lost.items())
            for name, value in properties.items():
                mentioned = self._led_to(value, Place(logical_id=logical_id, property_path=name))
                if mentioned is not None:
                    yield self._gone(logical_id, name, mentioned, mentioned=True)

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
        if name in self._parameters:
            return self._parameters.value(name, place)
        physical_id = self._identify(name, place).physical_id
        self._meet(name)
        return physical_id

    def attribute(self, logical_id: str, attribute: str, place: Place) -> Any:
        """See `References`."""
        identified = self._identify(logical_id, place)
        attributes = identified.attributes
        if self._meet(logical_id) and attribute not in attributes:
            resource_type = self._definitions[logical_id].type
            return made_up(attribute, resource_type, identified.name, self._environment)
        if attribute not in attributes:
            known = ", ".join(attributes) or "none"
            raise place.error(f"{logical_id} has no attribute {attribute}", f"its attributes are: {known}")
        return attributes[attribute]

    def import_value(self, export: str, place: Place) -> Any:
        """See `References`."""
        return self._exports.value(export, place)

    def stack_output(self, arguments: Mapping[str, str], place: Place) -> Any:
        """See `References`; `TemplateError` for a stack of another region or account."""
        stack, here = arguments["StackName"], self._environment
        region = arguments.get("Region") or here.region
        role = arguments.get("RoleArn") or here.stack_id(stack)
        if region != here.region or role.split(":")[4:5] != [here.account_id]:
            elsewhere = f"{region}, read as {arguments['RoleArn']}" if "RoleArn" in arguments else region
            raise place.error(f"the stack {stack} is elsewhere ({elsewhere})", ONE_ENVIRONMENT)
        return self._exports.output(stack, arguments["OutputName"], place)

    # --- what is left out ------------------------------------------------------------------------

    def _gone(self, logical_id: str, property_path: str, because: str, *, mentioned: bool = False) -> LeftOut:
        return LeftOut(
            stack=self.name,
            logical_id=logical_id,
            label=self._paths.get(logical_id) or logical_id,
            type=self._definitions[logical_id].type,
            property_path=property_path,
            because=because,
            mentioned=mentioned,
        )

    def _remaining(self) -> Iterator[tuple[str, _Definition]]:
        """The resources that are not left out."""
        for logical_id, definition in self._definitions.items():
            if self._root(logical_id) is None:
                yield logical_id, definition

    def _root(self, logical_id: str) -> str | None:
        """The address of what a resource is left out with, its own when that was asked for; ``None`` if it stays."""
        if logical_id not in self._left_out and self._skipping.asked:
            self._left_out[logical_id] = None  # while it is looked for: names in a circle are refused elsewhere
            definition, address = self._definitions[logical_id], f"{self.name}/{logical_id}"
            above = (definition.properties.get(name) for name in HANGS_ON.get(definition.type, PROVIDED_BY))
            roots = (self._led_to(value, Place(logical_id=logical_id)) for value in above)
            asked = address in self._skipping.asked
            self._left_out[logical_id] = address if asked else next((root for root in roots if root), None)
        return self._left_out.get(logical_id)

    def _meet(self, logical_id: str) -> bool:
        """Note that a reference leads to a resource that is left out, and say so."""
        root = self._root(logical_id)
        if root is not None:
            self._skipping.meet(root)
        return root is not None

    def _led_to(self, value: Any, place: Place) -> str | None:
        """What is left out and a value leads to, by a reference or as the ARN itself, if it leads there."""
        with self._skipping.watch() as met:
            resolved = self._resolver.resolve(value, place)
        met += [resolved] if isinstance(resolved, str) and resolved in self._skipping.asked else []
        return met[0] if met else None

    def _pruned(self, logical_id: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """The properties as written, without elements that lead to what is left out: path of the list → to what."""
        definition, place = self._definitions[logical_id], Place(logical_id=logical_id)
        properties, lost = definition.properties, dict[str, str]()
        for path, decisive in LEADS_TO.get(definition.type, {}).items() if self._skipping.asked else ():
            elements = at(properties, path)
            if not isinstance(elements, list):
                continue
            roots = [self._led_to(at(each, decisive) if decisive else each, place.at(path)) for each in elements]
            if any(roots):
                lost[path] = next(root for root in roots if root)
                kept = [each for each, root in zip(elements, roots, strict=True) if not root]
                properties = replaced(properties, path, kept)
        return properties, lost

    def _check_destinations(self, logical_id: str) -> None:
        """Refuse a destination of failures that leads to what is left out."""
        definition, place = self._definitions[logical_id], Place(logical_id=logical_id)
        for path in SENDS_TO.get(definition.type, ()) if self._skipping.asked else ():
            root = self._led_to(at(definition.properties, path), place)
            if root is not None:
                raise place.at(path).error(f"{root} is left out, and this sends there", f"--skip {logical_id} too")

    # --- within ----------------------------------------------------------------------------------

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self._document.get(name) or {}
        if not isinstance(section, dict):
            raise TemplateError(f"{name} of stack {self.name} is no object", remedy="correct the template")
        return section

    def _defined(self) -> dict[str, _Definition]:
        """Logical id → definition, without those whose condition fails; of any type."""
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
                identity=IDENTITIES.get(definition.text("Type"), _ANY_TYPE),
                properties=definition.object("Properties").values,
                metadata=definition.object("Metadata").values,
                deletion_policy=str(written.get("DeletionPolicy", "")),
            )
        return defined

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
