"""An empty engine, and templates of one stack that are provisioned in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from penstock.cloud.engine import Engine
from penstock.cloud.provisioning import provision
from penstock.template.models import Template
from penstock.template.reader import load

Provisioned = Callable[[Mapping[str, Any]], Template]


@pytest.fixture
def engine() -> Engine:
    """Start an engine that holds nothing."""
    return Engine(account_id="123456789012", region="us-east-1")


@pytest.fixture
def provisioned(engine: Engine, tmp_path: Path) -> Provisioned:
    """Give a function that reads resources and provisions them in the engine."""

    def read(resources: Mapping[str, Any]) -> Template:
        path = tmp_path / "App.json"
        path.write_text(json.dumps({"Resources": resources}))
        template = load(path)
        provision(template, engine)
        return template

    return read
