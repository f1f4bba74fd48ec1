"""What a template asks for and no run gives, found before anything else is read: all of it is named at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from penstock.errors import TemplateError
from penstock.template.fidelity import why_unsupported
from penstock.template.stack import Stack


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
        if (found := why_unsupported(resource_type, properties)) is not None:
            problem, instead = found
            names.append(logical_id if times[logical_id] == 1 else f"{stack}/{logical_id}")
            lines.append(f"\n  {names[-1]} ({resource_type}): {problem}")
            supported[instead] = None
    if names:
        told = f"what does not run here:{''.join(lines)}\n{'; '.join(supported)}"
        raise TemplateError(told, remedy=f"to run the rest: {' '.join(f'--skip {name}' for name in names)}")
