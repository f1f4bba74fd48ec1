"""Tell the way of one record through the last run: each attempt with its reason, and what came of it.

KEY is the key of an item, `partition` or `partition/sort`, or of an object that a message, an event or an invocation
came of, `key` or `bucket/key`; EVENT_ID is the eventID of a stream record, or the id of a bus event or of an SQS
message. What happened is read from the journal that `penstock run` and `penstock demo` keep in the folder that they are
started in, also while they go on. Times are those of the application's clock, in UTC; those of the steps count from the
first line of their story.

  penstock story 536365
  penstock story 5d0f32c16dd31e5a9c2a4f6c76e9c1d2 --json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import JOURNAL
from penstock.cli.arguments import add_json
from penstock.cli.fields import Fields, below
from penstock.terminal import Paint

if TYPE_CHECKING:
    from penstock.story.facts import Fact

RUN = ("path", "stacks", "seed", "clock", "version")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock story``."""
    parser.add_argument("subject", metavar="KEY|EVENT_ID", help="the record, event or message whose way is told")
    parser.add_argument(
        "--journal", metavar="FILE", type=Path, default=JOURNAL, help="the journal of a run (default: %(default)s)"
    )
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Tell every story of this name, in the order of time."""
    from penstock.story.journal_file import read_journal
    from penstock.story.telling import document, lines_of
    from penstock.story.way import find

    facts = read_journal(arguments.journal)
    stories = find(facts, arguments.subject)
    if arguments.json:
        told = {"run": run_of(facts[0]), "stories": [document(story) for story in stories]}
        print(json.dumps(told, indent=2))
        return 0
    paint = Paint.of(sys.stdout)
    print("\n\n".join("\n".join(lines_of(story, paint=paint)) for story in stories))
    return 0


def run_of(began: Fact) -> dict[str, object]:
    """What a journal says of its run at its beginning."""
    return {name: getattr(began, name) for name in RUN}


def fields() -> Fields:
    """What the fields of ``--json`` mean."""
    step = {
        "kind": "`record`; `filter`: a mapping read it; `attempt`; `call`; `fault`; `event`; `delivery` of a rule; "
        "`message`; `destination`; `end`: what a mapping did in the end; `invocation`: one that no mapping made; "
        "`origin`: where an event or a message came from",
        "text": "the step as a line",
        "at_ms": "when, on the application's clock, in milliseconds since the epoch",
        "after_ms": "how long after its story began",
        "id": "`eventID`, or the id of a message or of a bus event; of an attempt the item identifier",
        "mapping": "logical id of the event source mapping",
        "function": "label of the function, or whoever called",
        "request_id": "that of the invocation",
        "attempt": "which attempt of this mapping with this record, counted from 1",
        "reason": "why an attempt was made; the condition on which a destination was told",
        "outcome": "`done`, `reported`, `rewound` (behind a reported record), `failed`, `throttled`, `too large`, "
        "`in flight`; of a call or a delivery `done`, `taken`, `refused`, or its error",
        "passes": "whether a record passes the mapping's filters",
        "faults[]": "kinds of the fault script that struck here",
        "steps[]…": "what belongs to it or came of it, in the same form",
    }
    return {
        "run.path": "what was run",
        "run.stacks[]": "its stacks",
        "run.seed": "the seed of its ids",
        "run.clock": "`wall` or `jumping`",
        "run.version": "the version of the tool",
        **below("stories[]", step),
    }
