"""What stacks give one another: exports, and outputs asked for by the name of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock.errors import TemplateError
from penstock.template.intrinsics import Place

if TYPE_CHECKING:
    from penstock.template.stack import Stack


class Exports:
    """The outputs of all stacks, unresolved until one is asked for, so that stacks may come in any order."""

    def __init__(self) -> None:
        self._stacks: dict[str, Stack] = {}
        self._exports: dict[str, tuple[Stack, str]] = {}
        self._resolving: list[tuple[str, str]] = []

    def add(self, stack: Stack) -> None:
        """Register a stack with all that it exports; `TemplateError` for an export name that is taken."""
        self._stacks[stack.name] = stack
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
        stack, output_key = self._exports[name]
        with self._once(stack.name, output_key, f"the export {name}", place):
            return stack.output(output_key)

    def output(self, stack_name: str, output_key: str, place: Place) -> Any:
        """The value of an output of the stack of this name."""
        if stack_name not in self._stacks:
            loaded = ", ".join(self._stacks) or "none"
            remedy = "give the cloud assembly that holds that stack too"
            raise place.error(f"there is no stack {stack_name} among those loaded ({loaded})", remedy)
        stack = self._stacks[stack_name]
        keys = list(stack.output_keys())
        if output_key not in keys:
            known = ", ".join(keys) or "none"
            raise place.error(f"the stack {stack_name} has no output {output_key}", f"its outputs are: {known}")
        with self._once(stack_name, output_key, f"the output {output_key} of {stack_name}", place):
            return stack.output(output_key)

    @contextmanager
    def _once(self, stack_name: str, output_key: str, what: str, place: Place) -> Iterator[None]:
        """Refuse an output that is asked for while it is being resolved."""
        if (stack_name, output_key) in self._resolving:
            raise place.error(f"{what} depends on itself", "break the circle")
        self._resolving.append((stack_name, output_key))
        try:
            yield
        finally:
            self._resolving.pop()
