"""Runs conformance files, case by case, and says which hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.conformance.filter_case import run_filter_case
from penstock.conformance.mapping_case import run_mapping_case
from penstock.conformance.parts import FORMAT, CaseNotUnderstood, list_of, mapping_of, text_of
from penstock.conformance.queue_case import run_queue_case
from penstock.conformance.stream_case import run_stream_case
from penstock.errors import PenstockError, UsageError

_KINDS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "filter": run_filter_case,
    "stream": run_stream_case,
    "queue": run_queue_case,
    "mapping": run_mapping_case,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a case; without problems it passed."""

    case_id: str
    about: str
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything that the case expects holds."""
        return not self.problems


def read_cases(path: Path) -> list[Any]:
    """Read the cases of a file; raises UsageError for a file that is none of ours."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{path} cannot be read ({problem.strerror}); give the path of a conformance file") from None
    except ValueError as problem:
        raise UsageError(f"{path} is no JSON ({problem}); give a conformance file") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f'{path} is not in the format "{FORMAT}"; give a conformance file')
    return list_of(document.get("cases"), "cases")


def run_case(case: Any) -> Verdict:
    """Run one case; whatever it holds that is not known fails it."""
    part = case if isinstance(case, dict) else {}
    case_id, about = str(part.get("id", "a case without id")), str(part.get("about", ""))
    try:
        kind = text_of(mapping_of(case, "the case").get("kind"), "kind")
        if kind not in _KINDS:
            raise CaseNotUnderstood(f"kind is unknown: {kind!r}")
        problems = _KINDS[kind](part)
    except CaseNotUnderstood as unknown:
        problems = [str(unknown)]
    except KeyError as missing:
        problems = [f"the case lacks {missing}"]
    except (TypeError, ValueError, AttributeError) as problem:
        problems = [f"the case does not have the shape of a case: {problem}"]
    except PenstockError as problem:
        problems = [str(problem)]
    return Verdict(case_id=case_id, about=about, problems=tuple(problems))
