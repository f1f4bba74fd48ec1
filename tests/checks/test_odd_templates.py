"""Templates with something odd in them: whatever stands in a place, the check says what it can and does not break."""

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import TemplateError
from penstock.template.yaml_text import parse_yaml
from tests.checks.templates import HERE, judged

TEMPLATES = [HERE / "clean.yaml", *sorted((HERE / "samples").glob("*.yaml"))]
ODD: list[Any] = [
    None,
    "text",
    7,
    True,
    [],
    {},
    [None, 1, "x", {}, []],
    {"Ref": "Nobody"},
    {"Fn::If": [1]},
    {"a": {"b": 1}},
]
CHANGES = 60
"""How many places of each template become odd in one run of this test."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a template below its root."""
    if path:
        yield path
    keys: Any = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield from places(value[key], (*path, key))


def with_odd(template: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    """A copy of a template with something else in one place."""
    changed = copy.deepcopy(template)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = copy.deepcopy(odd)
    return changed


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_odd_value_is_judged_or_refused_by_name(path: Path, tmp_path: Path) -> None:
    """An odd value is told or refused as a template error, never by an error of ours."""
    template = parse_yaml(path)
    dice = random.Random(path.stem)
    chosen = [(place, dice.choice(ODD)) for place in dice.choices(list(places(template)), k=CHANGES)]

    for place, odd in chosen:
        try:
            judgement = judged(with_odd(template, place, odd), tmp_path)
        except TemplateError:
            continue
        assert all(finding.evidence for finding in judgement.findings), (place, odd)
