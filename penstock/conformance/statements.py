"""What a case expects of the runs, and the words for what happened instead.

Each function gives the problems found, none if the expectation holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.conformance.parts import (
    CaseNotUnderstood,
    flag_of,
    integer_of,
    list_of,
    mapping_of,
    only_keys,
    refs_of,
)
from penstock.conformance.runs import Run

_MISSING = object()


def check_invocations(name: str, expect: Mapping[str, Any], runs: Sequence[Run], *, refs_key: str) -> list[str]:
    """Compare the runs with ``invocations``, in order, or with ``invocations_any_order``.

    The latter is a list of its own, or ``true`` beside ``invocations``; ``refs_key`` is ``records`` or ``messages``.
    """
    any_order = expect.get("invocations_any_order") is True and "invocations" in expect
    if any_order and name == "invocations_any_order":
        return []
    return _compare_runs(expect[name], runs, ordered=name == "invocations" and not any_order, refs_key=refs_key)


def _compare_runs(expected: Any, runs: Sequence[Run], *, ordered: bool, refs_key: str) -> list[str]:
    entries = [_read_entry(entry, refs_key) for entry in list_of(expected, "invocations")]
    told = [_told_run(run) for run in runs]
    if len(entries) != len(runs):
        return [f"expected {len(entries)} runs {_told_entries(entries)}, happened {len(runs)}: {', '.join(told)}"]
    if not ordered:
        return _match_in_any_order(entries, runs, told)
    problems = []
    for number, (entry, run) in enumerate(zip(entries, runs, strict=True), start=1):
        problems += [f"run {number}: {problem}" for problem in _check_entry(entry, run)]
    return problems


def _read_entry(entry: Any, refs_key: str) -> Mapping[str, Any]:
    if isinstance(entry, list):
        return {"refs": refs_of(entry, "an invocation")}
    part = dict(mapping_of(entry, "an invocation"))
    known = {"not_before_ms", "not_after_ms"}
    known |= {"records", "state", "state_bytes", "final", "early"} if refs_key == "records" else {"receive_counts"}
    only_keys(part, known | {refs_key}, "an invocation")
    if refs_key in part:
        part["refs"] = refs_of(part.pop(refs_key), refs_key)
    return part


def _check_entry(entry: Mapping[str, Any], run: Run) -> list[str]:
    happened: dict[str, Any] = {
        "refs": list(run.refs),
        "receive_counts": list(run.receive_counts),
        "state": run.extras.get("state", "no state"),
        "final": run.extras.get("isFinalInvokeForWindow", False),
        "early": run.extras.get("isWindowTerminatedEarly", False),
    }
    problems = []
    for name, value in entry.items():
        match name:
            case "not_before_ms":
                holds, seen = run.started_at_ms >= integer_of(value, name), run.started_at_ms
            case "not_after_ms":
                holds, seen = run.started_at_ms <= integer_of(value, name), run.started_at_ms
            case "state_bytes":
                wanted = {"blob": "x" * integer_of(value, name)}
                holds, seen = happened["state"] == wanted, _short(happened["state"])
            case _:
                holds, seen = happened[name] == value, _short(happened[name])
        if not holds:
            problems.append(f"expected {name} {value!r}, happened {seen!r}")
    return problems


def _match_in_any_order(entries: Sequence[Mapping[str, Any]], runs: Sequence[Run], told: Sequence[str]) -> list[str]:
    """Give each entry a run of its own: an entry that says little leaves to another the run that only fits there."""
    fitting = [{place for place, run in enumerate(runs) if not _check_entry(entry, run)} for entry in entries]
    taken: dict[int, int] = {}
    for number, entry in enumerate(entries):
        if not _takes_a_run(number, fitting, taken, set()):
            return [f"no run is as expected by {dict(entry)!r}; happened: {', '.join(told)}"]
    return []


def _takes_a_run(entry: int, fitting: Sequence[set[int]], taken: dict[int, int], tried: set[int]) -> bool:
    for place in sorted(fitting[entry] - tried):
        tried.add(place)
        if place not in taken or _takes_a_run(taken[place], fitting, taken, tried):
            taken[place] = entry
            return True
    return False


def check_ordering(expected: Any, runs: Sequence[Run], *, passing: Mapping[str, str], group_word: str) -> list[str]:
    """Check the statements of ``ordering``.

    ``passing`` gives, in the order written, each ref that passes the filters → its item or message group;
    ``group_word`` is ``item`` or ``group``.
    """
    checks: dict[str, Callable[[Any], str | None]] = {
        "before": lambda value: _before(value, runs),
        "each_once": lambda value: _each_once(value, runs, passing),
        f"per_{group_word}": lambda value: _per_group(value, runs, passing),
        "max_in_flight": lambda value: _at_most(value, "in flight", _most_in_flight(runs, lambda _: True)),
        f"max_in_flight_per_{group_word}": lambda value: _at_most(
            value,
            f"in flight for one {group_word}",
            max([_most_in_flight(runs, _has_group(group)) for group in set(passing.values())], default=0),
        ),
        "batch_at_most": lambda value: _at_most(value, "in a batch", max([len(run.refs) for run in runs], default=0)),
        "calls": lambda value: _holds(len(runs) == integer_of(value, "calls"), f"{len(runs)} runs"),
        "calls_at_least": lambda value: _holds(len(runs) >= integer_of(value, "calls_at_least"), f"{len(runs)} runs"),
        "each_call": lambda value: _holds(
            all(list(run.refs) == refs_of(value, "each_call") for run in runs), ", ".join(map(_told_run, runs))
        ),
    }
    problems = []
    for statement in list_of(expected, "ordering"):
        part = mapping_of(statement, "a statement of ordering")
        only_keys(part, checks, "a statement of ordering")
        for name, value in part.items():
            happened = checks[name](value)
            if happened is not None:
                problems.append(f"expected {name} {value!r}, happened {happened}")
    return problems


def _holds(holds: bool, happened: str) -> str | None:
    return None if holds else happened


def _at_most(value: Any, words: str, happened: int) -> str | None:
    return _holds(happened <= integer_of(value, words), f"{happened} {words}")


def _before(value: Any, runs: Sequence[Run]) -> str | None:
    sides = list_of(value, "before")
    if len(sides) != 2:
        raise CaseNotUnderstood(f"before does not have two sides: {value!r}")
    first, second = (set(refs_of(side, "before")) for side in sides)
    ends = [run.ended for run in runs if first & set(run.refs)]
    begins = [run.began for run in runs if second & set(run.refs)]
    holds = not begins or (None not in ends and max([end or 0 for end in ends], default=0) < min(begins))
    return _holds(holds, ", ".join(map(_told_run, runs)))


def _each_once(value: Any, runs: Sequence[Run], passing: Mapping[str, str]) -> str | None:
    seen = Counter(ref for run in runs for ref in run.refs)
    wanted = Counter(list(passing))
    return _holds((seen == wanted) is flag_of(value, "each_once"), f"{dict(seen)}")


def _per_group(value: Any, runs: Sequence[Run], passing: Mapping[str, str]) -> str | None:
    first_seen: dict[str, list[str]] = {}
    written: dict[str, list[str]] = {}
    seen: set[str] = set()
    for run in runs:
        for ref, group in zip(run.refs, run.groups, strict=True):
            if ref not in seen:
                seen.add(ref)
                first_seen.setdefault(group, []).append(ref)
    for ref, group in passing.items():
        if ref in seen:
            written.setdefault(group, []).append(ref)
    return _holds((first_seen == written) is flag_of(value, "per item or group"), f"{first_seen}")


def _has_group(group: str) -> Callable[[Run], bool]:
    return lambda run: group in run.groups


def _most_in_flight(runs: Sequence[Run], counted: Callable[[Run], bool]) -> int:
    changes = []
    for run in runs:
        if counted(run):
            changes.append((run.began, 1))
            if run.ended is not None:
                changes.append((run.ended, -1))
    most = running = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def check_metrics(expected: Any, totals: Mapping[str, int], known: Sequence[str]) -> list[str]:
    """Compare totals of metrics; no data counts as 0."""
    part = mapping_of(expected, "metrics")
    only_keys(part, known, "metrics")
    return [
        f"expected {name} {value}, happened {totals.get(name, 0)}"
        for name, value in part.items()
        if totals.get(name, 0) != integer_of(value, name)
    ]


def check_delivered(expected: Any, runs: Sequence[Run]) -> list[str]:
    """Compare what was handed over of each ref with what it must have and lack."""
    problems = []
    for ref, wishes in mapping_of(expected, "delivered").items():
        part = mapping_of(wishes, "a delivered ref")
        only_keys(part, {"has", "lacks"}, "a delivered ref")
        body = next((run.bodies[list(run.refs).index(ref)] for run in runs if ref in run.refs), None)
        if body is None:
            problems.append(f"{ref} was never delivered")
            continue
        problems += [f"{ref}: {problem}" for problem in _lacking(part.get("has", {}), body, "")]
        for path in list_of(part.get("lacks", []), "lacks"):
            if _at_path(body, path) is not _MISSING:
                problems.append(f"{ref}: expected no {path}, happened {_at_path(body, path)!r}")
    return problems


def lacking(expected: Any, happened: Any) -> list[str]:
    """Compare objects key by key, all else whole."""
    return _lacking(expected, happened, "")


def _lacking(expected: Any, happened: Any, path: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(happened, dict):
        return [
            problem
            for key, value in expected.items()
            for problem in _lacking(value, happened.get(key, _MISSING), f"{path}.{key}" if path else key)
        ]
    if expected == happened and isinstance(expected, bool) == isinstance(happened, bool):
        return []
    seen = "nothing" if happened is _MISSING else repr(happened)
    return [f"expected {path} {expected!r}, happened {seen}"]


def _at_path(body: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            return _MISSING
        body = body[name]
    return body


def _told_run(run: Run) -> str:
    final = " final" if run.extras.get("isFinalInvokeForWindow") else ""
    return f"{list(run.refs)}{final} at {run.started_at_ms}"


def _told_entries(entries: Sequence[Mapping[str, Any]]) -> str:
    return str([entry.get("refs", dict(entry)) for entry in entries])


def _short(value: Any) -> Any:
    text = repr(value)
    return value if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
