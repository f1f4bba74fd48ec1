"""Cloud assemblies written by hand, as small as a test wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.template.models import Template
from penstock.template.reader import load


class AssemblyWriter:
    """Writes a cloud assembly by hand, as small as a test wants it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.artifacts: dict[str, Any] = {}
        self.files: dict[str, Any] = {}
        path.mkdir()

    def stack(
        self,
        resources: Mapping[str, Any],
        *,
        name: str = "App",
        dependencies: Sequence[str] = (),
        environment: str = "aws://unknown-account/unknown-region",
        parameters: Mapping[str, str] | None = None,
        **sections: Any,
    ) -> None:
        """Add a stack with these resources and other sections."""
        (self.path / f"{name}.template.json").write_text(json.dumps({"Resources": resources, **sections}))
        paths = {f"/{name}/{key}/Resource": [{"type": "aws:cdk:logicalId", "data": key}] for key in resources}
        self.artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": environment,
            "properties": {"templateFile": f"{name}.template.json", "parameters": parameters or {}},
            "dependencies": list(dependencies),
            "metadata": paths,
            "displayName": name,
        }
        self.write()

    def asset(self, key: str, *, packaging: str = "zip") -> Path:
        """Add a directory of code under an object key."""
        directory = self.path / f"asset.{key}"
        directory.mkdir()
        self.files[key] = {
            "source": {"path": directory.name, "packaging": packaging},
            "destinations": {"current": {"bucketName": "assets", "objectKey": f"{key}.zip"}},
        }
        self.write()
        return directory

    def write(self) -> None:
        """Write the manifests."""
        (self.path / "App.assets.json").write_text(json.dumps({"files": self.files}))
        assets = {"type": "cdk:asset-manifest", "properties": {"file": "App.assets.json"}}
        manifest = {"version": "55.0.0", "artifacts": {**self.artifacts, "App.assets": assets}}
        (self.path / "manifest.json").write_text(json.dumps(manifest))

    def load(self, *, parameters: Mapping[str, str] | None = None, skip: Sequence[str] = ()) -> Template:
        """Read what was written."""
        return load(self.path, parameters=parameters, skip=skip)

    def read(self, resources: Mapping[str, Any], **sections: Any) -> Template:
        """Read one stack, App, with these resources and one code asset, ``code.zip``."""
        self.asset("code")
        self.stack(resources, **sections)
        return self.load()
