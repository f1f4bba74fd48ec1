"""All resolved resources of a template, found by type, ARN or physical id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from penstock.template.intrinsics import Place
from penstock.template.models import Resource

FUNCTION_TYPES = ("AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::Version")
"""What an ARN of something that can be invoked may belong to."""

ELSEWHERE = "define it in one of the stacks that are loaded"


class Resources:
    """The resources of all stacks in deployment order."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.by_address: Mapping[str, Resource] = {resource.address: resource for resource in resources}
        self._by_arn = {resource.arn: resource for resource in self.by_address.values() if resource.arn}

    def of(self, *types: str) -> Iterator[Resource]:
        """The resources of these types."""
        return (resource for resource in self.by_address.values() if resource.type in types)

    def at_arn(self, arn: str, place: Place, *types: str) -> Resource:
        """The resource with an ARN; refused when the template has none, or one of another type."""
        resource = self._by_arn.get(arn)
        if resource is None or resource.type not in types:
            kinds = " or ".join(types)
            remedy = f"{ELSEWHERE}, or leave out what leads there: --skip {arn}"
            raise place.error(f"{arn} is no {kinds} of this template", remedy)
        return resource

    def called(self, physical_id: str, place: Place, *types: str) -> Resource:
        """The resource of one of these types with a physical id; refused when the template has none."""
        for resource in self.of(*types):
            if resource.physical_id == physical_id:
                return resource
        kinds = " or ".join(types)
        raise place.error(f"{physical_id} is no {kinds} of this template", ELSEWHERE)
