"""What a template asks for and no run gives, found before anything else is read: all of it is named at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from penstock.errors import TemplateError
from penstock.template.fidelity import SUPPORTED_TYPES
from penstock.template.properties import Properties
from penstock.template.stack import Stack

_TYPES: Final = f"supported types are {', '.join(SUPPORTED_TYPES)}"
_FUNCTIONS: Final = "supported are functions in Python (runtimes python3.x), as a directory, a zip file or inline"


def refuse_unsupported(stacks: Sequence[Stack]) -> None:
    """Raise `TemplateError` if a stack holds types, runtimes or images that do not run here.

    The message has a line for each, what is supported, and the options that leave them all out.
    """
    outlines = [(stack.name, *outline) for stack in stacks for outline in stack.outlines("PackageType", "Runtime")]
    times = Counter(logical_id for _, logical_id, _, _ in outlines)
    names: list[str] = []
    lines: list[str] = []
    supported: dict[str, None] = {}
    for stack, logical_id, resource_type, properties in outlines:
        if (found := _problem(resource_type, properties)) is not None:
            problem, instead = found
            names.append(logical_id if times[logical_id] == 1 else f"{stack}/{logical_id}")
            lines.append(f"\n  {names[-1]} ({resource_type}): {problem}")
            supported[instead] = None
    if names:
        told = f"what does not run here:{''.join(lines)}\n{'; '.join(supported)}"
        raise TemplateError(told, remedy=f"to run the rest: {' '.join(f'--skip {name}' for name in names)}")


def _problem(resource_type: str, properties: Properties) -> tuple[str, str] | None:
    """Why a resource cannot run here, and what can; ``None`` for one that may."""
    if resource_type not in SUPPORTED_TYPES:
        return "this type is not supported", _TYPES
    if resource_type == "AWS::Lambda::Function":
        if properties.text("PackageType", "Zip") == "Image":
            return "container images are not run here", _FUNCTIONS
        runtime = properties.text("Runtime", None)
        if runtime is not None and not runtime.startswith("python"):
            return f"the runtime {runtime} is not run here", _FUNCTIONS
    return None
