"""How the fields of the JSON output are described: path → meaning, beside the code that emits them.

A path joins names by dots, ``findings[].rule``: ``[]`` stands for each element of a list, ``<label>`` for each key of
an object whose keys are data. A path that ends in ``…`` describes whatever is below it too.
"""

from __future__ import annotations

from collections.abc import Mapping

Fields = Mapping[str, str]


def below(place: str, fields: Fields) -> Fields:
    """The fields of an object that stands at a place of another one."""
    return {f"{place}.{path}": meaning for path, meaning in fields.items()}
