"""One contestant of the filter benchmark, run by the Python of its own environment.

`python benchmarks/filter_worker.py NAME` reads the cases as one line of JSON, answers with the list of what it made of
each (true, false or null for an error), and then answers each line `INDEX SECONDS` with the seconds that a match of
that case took, measured for about so long. It imports nothing but its contestant. The body of a message is text, as it
comes from a queue, and decoding it is part of the match: ours does so inside, the peers just before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

Case = dict[str, Any]
Match = tuple[Callable[..., Any], tuple[Any, ...]]
"""What is called for a match, and with what."""


def penstock(case: Case) -> Match:
    """Match by ours."""
    from penstock.mapping.filters import compile_pattern

    return compile_pattern(case["text"], source=case["source"]), (case["record"],)


def localstack(case: Case) -> Match:
    """Match by the engine of LocalStack, which compiles the pattern each time; here that is done before."""
    from localstack.services.events.event_rule_engine import (
        EventPatternCompiler,
        EventRuleEngine,
    )

    pattern = EventPatternCompiler().compile_event_pattern(case["text"])
    match = EventRuleEngine().evaluate_pattern_on_event
    if case["source"] == "sqs":
        return _decoding(lambda record: match(pattern, record)), (case["record"],)
    return match, (pattern, case["record"])


def moto(case: Case) -> Match:
    """Match by moto's event patterns."""
    from moto.events.models import EventPattern, EventPatternParser

    match = EventPattern(case["text"], EventPatternParser(case["text"]).parse()).matches_event
    return _decoding(match) if case["source"] == "sqs" else match, (case["record"],)


def ministack(case: Case) -> Match:
    """Match by what MiniStack uses: one matcher for mappings, another for buses."""
    from ministack.services import eventbridge, lambda_svc

    pattern, record = json.loads(case["text"]), case["record"]
    match_filter, match_rule = lambda_svc._match_esm_filter, eventbridge._matches_detail
    if case["source"] == "sqs":
        return _decoding(lambda record: match_filter(record, pattern)), (record,)
    if case["source"] == "dynamodb":
        return match_filter, (record, pattern)
    alternatives = eventbridge._compile_pattern(pattern)
    if len(alternatives) == 1:
        return match_rule, (record, alternatives[0])
    return (lambda record: any(match_rule(record, alternative) for alternative in alternatives)), (record,)


CONTESTANTS = {"penstock": penstock, "localstack": localstack, "moto": moto, "ministack": ministack}


def _decoding(match: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Decode the body of a message, if it is JSON, and then match."""

    def decode_and_match(record: Any) -> Any:
        try:
            body = json.loads(record["body"])
        except ValueError:
            return match(record)
        return match({**record, "body": body})

    return decode_and_match


def _prepared(prepare: Callable[[Case], Match], case: Case) -> tuple[Match | None, bool | None]:
    """Prepare a case and match once."""
    try:
        function, arguments = prepare(case)
        return (function, arguments), bool(function(*arguments))
    except Exception:  # noqa: BLE001 - whatever a peer raises is its answer
        return None, None


def _seconds_a_match(match: Match | None, seconds: float) -> float | None:
    """Measure one case for about that long."""
    if match is None:
        return None
    times = 8
    while True:
        took = _timed(*match, times)
        if took >= seconds / 2:
            return took / times
        times = max(times * 2, int(times * seconds / max(took, 1e-7)))


def _timed(function: Callable[..., Any], arguments: tuple[Any, ...], times: int) -> float:
    """Match so many times, without a layer between that would weigh more on the faster."""
    repeats = range(times)
    if len(arguments) == 1:
        (record,) = arguments
        begun = perf_counter()
        for _ in repeats:
            function(record)
    else:
        first, second = arguments
        begun = perf_counter()
        for _ in repeats:
            function(first, second)
    return perf_counter() - begun


def main() -> None:
    """Serve one benchmark."""
    answers, sys.stdout = sys.stdout, sys.stderr  # a peer may print
    prepared = [_prepared(CONTESTANTS[sys.argv[1]], case) for case in json.loads(sys.stdin.readline())]
    print(json.dumps([answer for _, answer in prepared]), file=answers, flush=True)
    for line in sys.stdin:
        index, seconds = line.split()
        match, _ = prepared[int(index)]
        print(json.dumps(_seconds_a_match(match, float(seconds))), file=answers, flush=True)


if __name__ == "__main__":
    main()
