"""CloudFormation's YAML: plain YAML and the short forms of the intrinsic functions (``!Ref``, ``!GetAtt a.b``).

Dates stay text (``Version: 2012-10-17``), as CloudFormation reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are not among the requirements

from penstock.errors import TemplateError


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """The safe loader without dates, with short forms."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    """``!Sub text`` → ``{"Fn::Sub": "text"}``."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def parse_yaml(path: Path) -> dict[str, Any]:
    """The object that a YAML file holds; `TemplateError` when it holds none or cannot be read."""
    try:
        parsed = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path} is not YAML: {error}", remedy="correct the file") from None
    if not isinstance(parsed, dict):
        raise TemplateError(f"{path} holds no YAML mapping", remedy="give a CloudFormation template")
    return parsed
