"""What a text is about: the record, message or event that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from urllib.parse import unquote

from penstock.story.facts import CallAnswered
from penstock.story.findings import Findings, Record

Names = frozenset[tuple[str, ...]]
"""A text is about something if it holds all the words of one of its names; words are without backslashes."""

NOTHING: Names = frozenset()


def names_of_item(record: Record) -> Names:
    """A record's item: all values of its key, each in any of the ways in which JSON has it."""
    return frozenset(product(*(_spelled(name, typed) for name, typed in record.body["dynamodb"]["Keys"].items())))


def _spelled(name: str, typed: Mapping[str, str]) -> Iterator[str]:
    """A value in quotes, beyond ASCII as it is or escaped, and a number as that of the attribute it is the key in."""
    ((kind, value),) = typed.items()
    for ascii_alone in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_alone).replace("\\", "")
    if kind == "N":
        yield from (f'"{name}":{space}{value}{end}' for space in ("", " ") for end in ",}")


def names_of(record: Record) -> Names:
    """A record: its ``eventID``, or its item."""
    return names_of_item(record) | {(record.event_id,)}


def spellings(record: Record) -> set[str]:
    """What people may call an item: its partition key alone, or both keys."""
    return {record.key_values[0], "/".join(record.key_values)}


def object_of(call: CallAnswered) -> tuple[str, str]:
    """The bucket and the key of the object that a call of S3 is about; empty where it is about none."""
    if call.service != "s3" or not call.request.startswith("/"):
        return "", ""
    bucket, _, key = call.request.partition("\n")[0].partition("?")[0][1:].partition("/")
    return bucket, unquote(key)


def is_about(text: str, names: Names) -> bool:
    """Whether a text, perhaps JSON within JSON, names what is meant."""
    plain = text.replace("\\", "")
    return any(all(word in plain for word in words) for words in names)


def text_of(findings: Findings, thing: str) -> str:
    """The text of an event or a message, by its id; empty for anything else."""
    if thing in findings.events:
        return findings.events[thing].detail
    return findings.messages[thing][0].body if thing in findings.messages else ""
