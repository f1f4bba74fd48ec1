"""A fault script: a seed and a list of faults, as frozen data and as a small JSON file.

::

    {"seed": 7, "faults": [
      {"kind": "throttle", "service": "dynamodb", "operation": "PutItem", "when": {"every": 5, "until": 3}},
      {"kind": "process-killed", "caller": "Notify", "operation": "Publish", "moment": "after", "when": {"nth": 2}}
    ]}

In the file, a field is spelled with hyphens where the class has underscores. Whatever is unknown (a kind, a field, an
operation that the service does not have) is refused with `UsageError` by its place in the script. Names of callers,
functions and rules are those of the template; `FaultScript.check` holds them against it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from penstock.cloud.faults.kinds import KINDS, Fault, ProcessKilled, When, meant
from penstock.errors import UsageError
from penstock.template.models import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultScript:
    """A seed and the faults that are drawn from it; none at all is a script as well."""

    seed: int = 0
    faults: tuple[Fault, ...] = ()

    def check(self, template: Template) -> None:
        """Raise `UsageError` for a caller, function or rule that the template does not have."""
        functions = {function.label for function in template.functions}
        callers = functions | {machine.label for machine in template.state_machines} | {"operator", "developer"}
        rules = {rule.label for rule in template.rules}
        for place, fault in enumerate(self.faults, 1):
            killed = isinstance(fault, ProcessKilled)
            for name, known in (
                ("caller", functions if killed else callers),
                ("function", functions),
                ("rule", rules),
            ):
                value = getattr(fault, name, None)
                if value is not None and value not in known:
                    raise UsageError(
                        f"fault {place} ({fault.kind}): no {name} '{value}' in this template{meant(value, known)}"
                    )


def read_script(path: Path) -> FaultScript:
    """Read a script from a JSON file; raises `UsageError` with the place of what is wrong."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"fault script {path} cannot be read: {problem.strerror}; give a JSON file") from None
    except ValueError as problem:
        raise UsageError(f"fault script {path} is no JSON: {problem}; give an object with a list 'faults'") from None
    try:
        return script_from(document)
    except UsageError as problem:
        raise UsageError(f"{path}: {problem}") from None


def script_from(document: object) -> FaultScript:
    """Make a script of a parsed JSON document."""
    if not isinstance(document, Mapping) or not isinstance(document.get("faults"), list):
        raise UsageError("a fault script is an object with a list 'faults' and, if you like, a 'seed'")
    _refuse_unknown(document, {"seed", "faults"})
    seed = _of_type("seed", document.get("seed", 0), int)
    faults = []
    for place, entry in enumerate(document["faults"], 1):
        try:
            faults.append(_fault_from(entry))
        except UsageError as problem:
            kind = f" ({entry['kind']})" if isinstance(entry, Mapping) and "kind" in entry else ""
            raise UsageError(f"fault {place}{kind}: {problem}") from None
    return FaultScript(seed=seed, faults=tuple(faults))


def _fault_from(entry: object) -> Fault:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("kind"), str):
        raise UsageError(f"a fault is an object with a 'kind': {', '.join(KINDS)}")
    kind = KINDS.get(entry["kind"])
    if kind is None:
        raise UsageError(f"no such kind{meant(entry['kind'], KINDS)}; there are {', '.join(KINDS)}")
    fault: Fault = _made(kind, {name: value for name, value in entry.items() if name != "kind"})
    return fault


def _made(kind: type[Any], given: Mapping[str, Any]) -> Any:
    """Make an instance of a dataclass of a JSON object, each field held against its type."""
    hints = get_type_hints(kind)
    spelled = {each.name.replace("_", "-"): each for each in fields(kind)}
    _refuse_unknown(given, spelled)
    required = [name for name, each in spelled.items() if each.default is each.default_factory]
    for name in required:
        if name not in given:
            raise UsageError(f"'{name}' is missing")
    return kind(
        **{spelled[name].name: _of_type(name, value, hints[spelled[name].name]) for name, value in given.items()}
    )


def _of_type(name: str, value: Any, wanted: Any) -> Any:
    if wanted is When:
        if not isinstance(value, Mapping):
            raise UsageError(f"'{name}' is an object, not {json.dumps(value)}")
        return _made(When, value)
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise UsageError(f"'{name}' is one of {', '.join(get_args(wanted))}, not {json.dumps(value)}")
        return value
    allowed = tuple(part for part in (get_args(wanted) or (wanted,)) if part is not type(None))
    wide = (*allowed, int) if float in allowed else allowed
    if not isinstance(value, wide) or (isinstance(value, bool) and bool not in allowed):
        named = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[allowed[0]]
        raise UsageError(f"'{name}' is {named}, not {json.dumps(value)}")
    return value


def _refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in given:
        if name not in known:
            raise UsageError(f"no field '{name}'{meant(name, known)}; there are {', '.join(known)}")
