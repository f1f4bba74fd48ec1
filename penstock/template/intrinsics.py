"""CloudFormation's intrinsic functions, and the one place that resolves them.

A `Resolver` belongs to one stack. What a name stands for comes from its `References`; everything that is not
listed in `Resolver.SUPPORTED` is refused by name.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from penstock.errors import TemplateError

EXPAND: Final = (
    "have AWS expand the template, which deploys nothing: `aws cloudformation create-change-set --stack-name expand "
    "--change-set-name expand --change-set-type CREATE --template-body file://TEMPLATE --capabilities "
    "CAPABILITY_AUTO_EXPAND CAPABILITY_NAMED_IAM`, then `aws cloudformation get-template --stack-name expand "
    "--change-set-name expand --template-stage Processed --query TemplateBody > expanded.json`, and give expanded.json"
)
"""What to do about a transform: a change set is what AWS expands a template for."""


class References(Protocol):
    """What names stand for in one stack."""

    def ref(self, name: str, place: Place) -> Any:
        """The value of a parameter, a pseudo parameter or a resource."""

    def attribute(self, logical_id: str, attribute: str, place: Place) -> Any:
        """The value of an attribute of a resource."""

    def import_value(self, export: str, place: Place) -> Any:
        """The value that some stack exports under this name."""

    def stack_output(self, arguments: Mapping[str, str], place: Place) -> Any:
        """The value of another stack's output: ``StackName``, ``OutputName``, perhaps ``Region`` and ``RoleArn``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a template something stands: ``property_path`` is ``Targets.0.Arn``."""

    logical_id: str
    property_path: str = ""

    def at(self, key: str | int) -> Place:
        """The place one step further in."""
        path = f"{self.property_path}.{key}" if self.property_path else str(key)
        return Place(logical_id=self.logical_id, property_path=path)

    def error(self, problem: str, remedy: str) -> TemplateError:
        """A template error that names this place."""
        return TemplateError(problem, logical_id=self.logical_id, property_path=self.property_path, remedy=remedy)


class _NoValue:
    """What ``AWS::NoValue`` stands for: the property or element that holds it is removed."""


NO_VALUE: Final = _NoValue()

_STACK_OUTPUT: Final = frozenset({"StackName", "OutputName", "Region", "RoleArn"})
# Those that only a transform brings (AWS::LanguageExtensions), and the one that is a transform.
_EXPANDED_BY_AWS: Final = frozenset({"ForEach", "Length", "ToJsonString", "Transform"})
_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


class Resolver:
    """Resolves the values of one stack.

    ``mappings`` and ``conditions`` are the template's sections of these names; ``region`` is for ``Fn::GetAZs``.
    """

    def __init__(
        self,
        *,
        references: References,
        mappings: Mapping[str, Any],
        conditions: Mapping[str, Any],
        region: str,
    ) -> None:
        self._references = references
        self._mappings = mappings
        self._conditions = conditions
        self._region = region
        self._decided: dict[str, bool] = {}
        self._deciding: list[str] = []

    def resolve(self, value: Any, place: Place) -> Any:
        """The value with every intrinsic replaced; `TemplateError` names the place of what cannot be."""
        match value:
            case dict():
                name = _intrinsic(value, place)
                if name is not None:
                    return self._call(name, value[name], place)
                resolved = {key: self.resolve(inner, place.at(key)) for key, inner in value.items()}
                return {key: inner for key, inner in resolved.items() if inner is not NO_VALUE}
            case list():
                elements = [self.resolve(inner, place.at(index)) for index, inner in enumerate(value)]
                return [element for element in elements if element is not NO_VALUE]
            case str() if "{{resolve:" in value:
                raise place.error(
                    f"the dynamic reference {value} is known only to AWS", "give the value as a parameter's default"
                )
            case _:
                return value

    def condition(self, name: str, place: Place) -> bool:
        """Whether a condition of the template holds."""
        if not isinstance(name, str):
            raise place.error("a condition is given by its name", "give the name of a condition")
        if name not in self._decided:
            if name not in self._conditions:
                raise place.error(f"there is no condition {name}", "define it under Conditions")
            if name in self._deciding:
                raise place.error(f"the condition {name} depends on itself", "break the circle")
            self._deciding.append(name)
            self._decided[name] = self._decide(self._conditions[name], Place(logical_id=f"Conditions.{name}"))
            self._deciding.pop()
        return self._decided[name]

    def _call(self, name: str, argument: Any, place: Place) -> Any:
        function = self.SUPPORTED.get(name)
        if function is None and name.split("::")[1] in _EXPANDED_BY_AWS:
            raise place.error(f"{name} belongs to a transform, which only AWS expands", EXPAND)
        if function is None:
            supported = ", ".join(sorted(self.SUPPORTED))
            raise place.error(f"the intrinsic function {name} is not supported", f"supported are {supported}")
        return function(self, argument, place.at(name))

    # --- conditions ------------------------------------------------------------------------------

    def _decide(self, rule: Any, place: Place) -> bool:
        """Evaluate a condition: a condition function, or ``{"Condition": name}``."""
        if not isinstance(rule, dict) or len(rule) != 1:
            raise place.error("this is no condition", "use Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition")
        ((name, argument),) = rule.items()
        inner = place.at(name)
        match name:
            case "Condition":
                return self.condition(argument, place)
            case "Fn::Equals":
                left, right = (self.resolve(side, inner) for side in _arguments(argument, inner, 2))
                return _equal(left, right)
            case "Fn::Not":
                return not self._decide(_arguments(argument, inner, 1)[0], inner)
            case "Fn::And":
                return all(self._decide(part, inner) for part in _arguments(argument, inner, None))
            case "Fn::Or":
                return any(self._decide(part, inner) for part in _arguments(argument, inner, None))
            case _:
                raise place.error(
                    f"the condition function {name} is not supported",
                    "supported are Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition",
                )

    def _if(self, argument: Any, place: Place) -> Any:
        name, then, otherwise = _arguments(argument, place, 3)
        return self.resolve(then if self.condition(name, place) else otherwise, place)

    # --- references ------------------------------------------------------------------------------

    def _ref(self, argument: Any, place: Place) -> Any:
        if not isinstance(argument, str):
            raise place.error("the name must be written out", "give a logical id or a parameter")
        return self._references.ref(argument, place)

    def _get_att(self, argument: Any, place: Place) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        logical_id, attribute = _arguments(parts, place, 2)
        if not isinstance(logical_id, str):
            raise place.error("the name must be written out", "give a logical id")
        return self._references.attribute(logical_id, self._text(attribute, place), place)

    def _import_value(self, argument: Any, place: Place) -> Any:
        return self._references.import_value(self._text(argument, place), place)

    def _get_stack_output(self, argument: Any, place: Place) -> Any:
        if not isinstance(argument, dict) or not {"StackName", "OutputName"} <= argument.keys() <= _STACK_OUTPUT:
            raise place.error("these are not its arguments", f"it takes {', '.join(sorted(_STACK_OUTPUT))}")
        given = {name: self._text(value, place.at(name)) for name, value in argument.items()}
        return self._references.stack_output(given, place)

    def _sub(self, argument: Any, place: Place) -> str:
        template, given = (argument, {}) if isinstance(argument, str) else _arguments(argument, place, 2)
        if not isinstance(given, dict):
            raise place.error("the variables must be an object", "give name and value of each")
        variables = {name: self._text(value, place.at(name)) for name, value in given.items()}

        def replace(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return "${" + match[2] + "}"
            if name in variables:
                return variables[name]
            if "." in name:
                logical_id, attribute = name.split(".", 1)
                return _text(self._references.attribute(logical_id, attribute, place), place)
            return _text(self._references.ref(name, place), place)

        return _VARIABLE.sub(replace, self._text(template, place))

    def _find_in_map(self, argument: Any, place: Place) -> Any:
        keys = [self._text(key, place) for key in _arguments(argument, place, 3)]
        found: Any = self._mappings
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                raise place.error(f"Mappings has no {'.'.join(keys)}", "add it, or use a key that is there")
            found = found[key]
        return found

    # --- texts and lists -------------------------------------------------------------------------

    def _join(self, argument: Any, place: Place) -> str:
        separator, parts = _arguments(argument, place, 2)
        return self._text(separator, place).join(_text(part, place) for part in self._list(parts, place))

    def _split(self, argument: Any, place: Place) -> list[str]:
        separator, text = _arguments(argument, place, 2)
        return self._text(text, place).split(self._text(separator, place))

    def _select(self, argument: Any, place: Place) -> Any:
        index, elements = _arguments(argument, place, 2)
        chosen = self._text(index, place)
        resolved = self._list(elements, place)
        if not chosen.isdigit() or int(chosen) >= len(resolved):
            raise place.error(f"there is no element {chosen} in a list of {len(resolved)}", "use an index from 0")
        return resolved[int(chosen)]

    def _base64(self, argument: Any, place: Place) -> str:
        return base64.b64encode(self._text(argument, place).encode()).decode()

    def _get_azs(self, argument: Any, place: Place) -> list[str]:
        region = self._text(argument, place) or self._region
        return [f"{region}{zone}" for zone in "abc"]

    def _text(self, value: Any, place: Place) -> str:
        return _text(self.resolve(value, place), place)

    def _list(self, value: Any, place: Place) -> list[Any]:
        resolved = self.resolve(value, place)
        if not isinstance(resolved, list):
            raise place.error("this must be a list", "give a list, or a function that gives one")
        return resolved

    SUPPORTED: Final[Mapping[str, Callable[[Resolver, Any, Place], Any]]] = {
        "Ref": _ref,
        "Fn::Base64": _base64,
        "Fn::FindInMap": _find_in_map,
        "Fn::GetAZs": _get_azs,
        "Fn::GetAtt": _get_att,
        "Fn::GetStackOutput": _get_stack_output,
        "Fn::If": _if,
        "Fn::ImportValue": _import_value,
        "Fn::Join": _join,
        "Fn::Select": _select,
        "Fn::Split": _split,
        "Fn::Sub": _sub,
    }


def _intrinsic(value: Mapping[str, Any], place: Place) -> str | None:
    """The name of the intrinsic that an object is, or ``None``."""
    if len(value) == 1:
        (name,) = value
        return name if name == "Ref" or str(name).startswith("Fn::") else None
    for name in value:
        if str(name).startswith("Fn::"):
            raise place.error(f"{name} stands beside other keys", "an intrinsic function is an object of one key")
    return None


def _arguments(argument: Any, place: Place, count: int | None) -> list[Any]:
    """The arguments of a function, as many as it takes (``None``: one or more)."""
    if not isinstance(argument, list) or (len(argument) != count if count is not None else not argument):
        raise place.error(f"this function takes a list of {count or 'one or more'}", "see its page in AWS's reference")
    return argument


def _text(value: Any, place: Place) -> str:
    """A scalar as CloudFormation writes it into a text."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            raise place.error(
                "this must be a text", f"it is {'nothing' if value is NO_VALUE else type(value).__name__}"
            )


def _equal(left: Any, right: Any) -> bool:
    """Equality of a condition: scalars compare as texts."""
    if isinstance(left, (str, bool, int, float)) and isinstance(right, (str, bool, int, float)):
        anywhere = Place(logical_id="Conditions")
        return _text(left, anywhere) == _text(right, anywhere)
    return bool(left == right)
