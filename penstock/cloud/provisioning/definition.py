"""The one way in which provisioners call the engine: refusals name the resource, other names than ours are a defect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from penstock.cloud.engine import Engine, EngineError
from penstock.errors import BrokenInvariant, TemplateError
from penstock.template.models import Resource


def define(
    engine: Engine, resource: Resource, service: str, operation: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Make one call for a resource; what the service refuses is the template's fault."""
    try:
        return engine.call(service, operation, params)
    except EngineError as error:
        raise TemplateError(
            f"{service} refuses {operation}: {error.code}: {error.message}",
            logical_id=resource.logical_id,
            remedy=f"correct the properties of this {resource.type}",
        ) from error


def agree(resource: Resource, *, ours: str | None, theirs: Any) -> None:
    """Check that the engine calls a resource as the template does."""
    if ours != theirs:
        raise BrokenInvariant(f"{resource.address} is {ours} in the template and {theirs} in the engine")


def selected(properties: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The properties of these names that are there."""
    return {name: properties[name] for name in names if properties.get(name) is not None}
