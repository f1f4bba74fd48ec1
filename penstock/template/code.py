"""Where the code of functions and layers is: in a directory already, or in a package that becomes one.

A directory stays where it is. A zip file and inline code get a directory of their own, called by a hash of what they
hold; nothing is unpacked here (`penstock.runtime.packages` does that before functions start).
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from penstock import CACHE
from penstock.errors import EnvironmentProblem
from penstock.template.assembly import SYNTHESIZE, Assembly
from penstock.template.models import Package, Resource
from penstock.template.properties import Properties


class CodeReader:
    """Finds code within a template, beside it and among the assets; keeps what has to be unpacked."""

    def __init__(self, assembly: Assembly) -> None:
        self._assets = assembly.assets
        self._beside = {stack.name: stack.directory for stack in assembly.stacks}
        self._packages: dict[Path, Package] = {}

    @property
    def packages(self) -> tuple[Package, ...]:
        """What was found in no directory, each once."""
        return tuple(self._packages.values())

    def directory(self, resource: Resource, name: str) -> Path:
        """The directory of the code that a property (``Code``, ``Content``) gives, whether it is there yet or not.

        `TemplateError` for what is kept in a bucket or is no code; `EnvironmentProblem` for what is missing here.
        """
        properties = Properties.of(resource)
        if isinstance(properties.values.get(name), str):
            place = self._local(resource, properties, name)
        elif "ZipFile" in properties.object(name):
            text = properties.object(name).text("ZipFile")
            return self._packed(resource, text, text.encode())
        else:
            place = self._asset(resource, properties.object(name), name)
        if place.is_dir():
            return place.resolve()
        if not place.exists():
            remedy = f"correct the path, or {SYNTHESIZE} again"
            raise EnvironmentProblem(f"{resource.logical_id}: the code {place} is missing; {remedy}")
        if not zipfile.is_zipfile(place):
            raise properties.error(name, f"{place.name} is neither a directory nor a zip file", "give one of them")
        return self._packed(resource, place, place.read_bytes())

    def _local(self, resource: Resource, properties: Properties, name: str) -> Path:
        """A path relative to the template, as `aws cloudformation package` takes it."""
        path = properties.text(name)
        if path.startswith("s3:"):
            raise properties.error(name, f"{path} is not on this machine", _remedy(name))
        return self._beside[resource.stack] / path

    def _asset(self, resource: Resource, code: Properties, name: str) -> Path:
        """An asset by its key, or by what the CDK writes of it where a template is read without its assembly."""
        key = code.text("S3Key")
        if key in self._assets:
            return self._assets[key]
        if resource.metadata.get("aws:asset:property") == name:
            return self._beside[resource.stack] / str(resource.metadata.get("aws:asset:path"))
        raise code.error("S3Key", f"{key} is no asset of this cloud assembly", _remedy(name))

    def _packed(self, resource: Resource, source: Path | str, content: bytes) -> Path:
        """The directory that a package becomes."""
        directory = CACHE.resolve() / f"code-{hashlib.sha256(content).hexdigest()[:32]}"
        self._packages[directory] = Package(logical_id=resource.logical_id, source=source, directory=directory)
        return directory


def _remedy(name: str) -> str:
    return f"give the cdk.out that holds the code, or, relative to the template, `{name}: ./DIRECTORY`"
