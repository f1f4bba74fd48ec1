"""The parameters of a template: what they are given, what the template allows, and what they stand for.

A value is given under the parameter's name, for every stack that has one of this name, or as ``<stack>:<parameter>``
for one stack, as the CDK's command line takes it. What ``NoEcho`` hides appears in no message. Source: *CloudFormation
template Parameters syntax*, AWS CloudFormation User Guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from penstock.errors import UsageError
from penstock.template.assembly import StackDocument
from penstock.template.intrinsics import Place
from penstock.template.properties import Properties

_SSM_VALUE: Final = "AWS::SSM::Parameter::Value"
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Parameters:
    """The parameters of one stack, with what ``given`` holds for them beyond the assembly and the defaults."""

    def __init__(self, source: StackDocument, given: Mapping[str, str]) -> None:
        sections = Properties({"Parameters": source.document.get("Parameters")}, Place(logical_id=""))
        self._declared = dict(sections.object("Parameters").entries())
        self._stack = source.name
        self._assembly = source.parameters
        # The more exact name wins.
        spelled = [(name, key) for name in self._declared for key in (name, f"{source.name}:{name}")]
        self._given = {name: given[key] for name, key in spelled if key in given}
        self.names = frozenset(key for _, key in spelled)

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def valueless(self) -> Iterator[str]:
        """The parameters that have no value from anywhere."""
        for name, declared in self._declared.items():
            if not (name in self._given or name in self._assembly or "Default" in declared):
                yield name

    def check(self) -> None:
        """Raise `UsageError` for a value that was given and that the template does not allow."""
        for name, value in self._given.items():
            problem = _refusal(self._declared[name], value)
            if problem is not None:
                raise UsageError(f"the parameter {name} of {self._stack}: {problem}")

    def value(self, name: str, place: Place) -> Any:
        """What ``Ref`` gives for a parameter; `TemplateError` where there is nothing, or a default is not allowed.

        For a parameter that is kept in SSM the value itself has to be given: nothing is kept there here.
        """
        declared = self._declared[name]
        kind = declared.text("Type", "String")
        give = f"give the value: --parameter {name}=VALUE"
        if name in self._given:
            return _typed(kind, self._given[name])
        if name not in self._assembly and "Default" not in declared:
            raise place.error(f"the parameter {name} has no value", give)
        value = self._assembly.get(name, declared.values.get("Default"))
        if kind.startswith(_SSM_VALUE):
            raise place.error(f"the value of the parameter {name} is kept in SSM ({value}), which is not there", give)
        problem = _refusal(declared, value)
        if problem is not None:
            raise declared.error("Default", problem, give)
        return _typed(kind, value)


def check_given(stacks: Sequence[Parameters], given: Mapping[str, str]) -> None:
    """Raise `UsageError` for what is given for no parameter, or is not allowed."""
    for name in given:
        if not any(name in parameters.names for parameters in stacks):
            known = ", ".join(dict.fromkeys(each for parameters in stacks for each in parameters))
            raise UsageError(f"there is no parameter {name}; the parameters are: {known or 'none'}")
    for parameters in stacks:
        parameters.check()


def check_complete(stacks: Sequence[Parameters]) -> None:
    """Raise `UsageError` for parameters without a value, which AWS would not deploy: all of them at once."""
    names = list(dict.fromkeys(name for parameters in stacks for name in parameters.valueless()))
    if names:
        options = " ".join(f"--parameter {name}=VALUE" for name in names)
        raise UsageError(f"without a value: parameter {', '.join(names)}; give {options}")


def _typed(kind: str, value: Any) -> Any:
    """A value as ``Ref`` gives it: a text, or a list of texts."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    is_list = kind == "CommaDelimitedList" or "List<" in kind
    return [part.strip() for part in text.split(",")] if is_list else text


def _refusal(declared: Properties, value: Any) -> str | None:
    """Why the template does not allow a value, and what it wants; ``None`` for one that it allows."""
    kind = declared.text("Type", "String")
    if kind.startswith(_SSM_VALUE):
        return None  # its constraints are those of the name that it has in SSM
    typed = _typed(kind, value)
    for each in typed if isinstance(typed, list) else [typed]:
        broken = _broken(declared, kind, each)
        if broken is not None:
            shown = "its value" if declared.flag("NoEcho", default=False) else repr(each)
            wanted = declared.text("ConstraintDescription", "give one that the template allows")
            return f"{shown} {broken}; {wanted}"
    return None


def _broken(declared: Properties, kind: str, value: str) -> str | None:
    """The constraint that a text, or an element of a list, does not keep."""
    if kind in ("Number", "List<Number>"):
        if not _NUMBER.fullmatch(value):
            return "is no number"
        if not _within(declared, "Value", float(value)):
            return "is not within MinValue and MaxValue"
    if kind == "String" and not _within(declared, "Length", len(value)):
        return "is not within MinLength and MaxLength"
    allowed = declared.texts("AllowedValues")
    if allowed and value not in allowed:
        return f"is none of AllowedValues ({', '.join(allowed)})"
    pattern = declared.text("AllowedPattern", None)
    try:
        if pattern is not None and not re.fullmatch(pattern, value):
            return f"does not match AllowedPattern {pattern}"
    except re.error as problem:
        raise declared.error("AllowedPattern", f"this is no regular expression: {problem}", "correct it") from None
    return None


def _within(declared: Properties, measure: str, size: float) -> bool:
    """Whether a value, or its length, is between the two limits that there may be."""
    least, most = _limit(declared, f"Min{measure}", "-inf"), _limit(declared, f"Max{measure}", "inf")
    return least <= size <= most


def _limit(declared: Properties, name: str, default: str) -> float:
    try:
        return float(declared.text(name, default))
    except ValueError:
        raise declared.error(name, f"{declared.text(name)} is no number", "give a number") from None
