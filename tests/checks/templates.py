"""Templates for the rules: the clean one, and the changes that break it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.checks.judgement import Judgement, judge
from penstock.template.yaml_text import parse_yaml

HERE = Path(__file__).parent
CLEAN = parse_yaml(HERE / "clean.yaml")


def changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The clean template with some changes: a resource or a property each; ``None`` removes it."""
    template = copy.deepcopy(CLEAN)
    for place, value in changes.items():
        logical_id, *path = place.split(".")
        holder: Any = template["Resources"]
        for key in [logical_id, "Properties", *path][: -1 if path else 0]:
            holder = holder[int(key)] if isinstance(holder, list) else holder.setdefault(key, {})
        key = path[-1] if path else logical_id
        if value is None:
            holder.pop(key, None)
        else:
            holder[key] = value
    return template


def judged(template: Mapping[str, Any], folder: Path) -> Judgement:
    """What the rules say to a template; its stack is called ``stack``."""
    path = folder / "stack.json"
    path.write_text(json.dumps(template))
    return judge(path)


def found(judgement: Judgement) -> list[str]:
    """``<rule> <logical id>`` of each finding, sorted."""
    return sorted(f"{finding.rule} {finding.resource.partition('/')[2]}" for finding in judgement.findings)
