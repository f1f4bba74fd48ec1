"""Cases of kind ``mapping``: what the API says to a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from penstock.conformance.parts import (
    DESCRIPTION_KEYS,
    CaseNotUnderstood,
    integer_of,
    list_of,
    mapping_of,
    one_of,
    only_keys,
    text_of,
)
from penstock.conformance.queue_world import QUEUE_ARN
from penstock.conformance.statements import lacking
from penstock.conformance.stream_world import STREAM_ARN
from penstock.conformance.world import FUNCTION_ARN
from penstock.mapping.validation import PROPERTIES, Accepted, Refused, Situation, create_mapping

_KEYS = DESCRIPTION_KEYS | {"source", "given", "request", "expect"}
_ARNS = {"dynamodb": STREAM_ARN, "sqs": QUEUE_ARN}
_UUID = "00000000-0000-4000-8000-000000000000"
_SITUATIONS = {
    "same_mapping_exists": Situation(same_mapping_uuid=_UUID),
    "source_missing": Situation(source_exists=False),
    "function_missing": Situation(function_exists=False),
    "role_cannot_read": Situation(role_can_read=False),
}


def run_mapping_case(case: Mapping[str, Any]) -> list[str]:
    """Run a case; give its problems."""
    only_keys(case, _KEYS, "the case")
    arn = _ARNS[one_of(case["source"], _ARNS, "source")]
    situation = _SITUATIONS[one_of(case["given"], _SITUATIONS, "given")] if "given" in case else Situation()
    name = FUNCTION_ARN.rpartition(":")[2]
    given = _fill(mapping_of(case["request"], "request"), {"<fn>": name, "<arn>": arn, "<uuid>": _UUID})
    only_keys(given, PROPERTIES, "request")
    request = {"EventSourceArn": arn, "FunctionName": name, **given}
    judged = create_mapping(request, situation=situation, uuid=_UUID, function_arn=FUNCTION_ARN)
    expect = mapping_of(case["expect"], "expect")
    if "refused" in expect:
        only_keys(expect, {"refused"}, "expect")
        return _check_refused(mapping_of(expect["refused"], "refused"), judged)
    only_keys(expect, {"accepted", "absent", "then"}, "expect")
    if "accepted" not in expect:
        raise CaseNotUnderstood("expect has neither accepted nor refused")
    return _check_accepted(expect, judged)


def _fill(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, words) for inner in value]
    if isinstance(value, str):
        for word, meaning in words.items():
            value = value.replace(word, meaning)
    return value


def _check_accepted(expect: Mapping[str, Any], judged: Accepted | Refused) -> list[str]:
    if isinstance(judged, Refused):
        return [f"expected that the mapping is accepted, happened: {judged.type}: {judged.message}"]
    problems = lacking(mapping_of(expect["accepted"], "accepted"), dict(judged.answer))
    for name in list_of(expect.get("absent", []), "absent"):
        if name in judged.answer:
            problems.append(f"expected no {name}, happened {judged.answer[name]!r}")
    if "then" in expect and text_of(expect["then"], "then") != judged.settles_in:
        problems.append(f"expected then {expect['then']!r}, happened {judged.settles_in!r}")
    return problems


def _check_refused(expected: Mapping[str, Any], judged: Accepted | Refused) -> list[str]:
    only_keys(expected, {"type", "status", "message", "message_contains"}, "refused")
    if isinstance(judged, Accepted):
        return [f"expected that the mapping is refused with {expected['type']}, happened: accepted"]
    problems = []
    if text_of(expected["type"], "type") != judged.type:
        problems.append(f"expected type {expected['type']!r}, happened {judged.type!r} ({judged.message})")
    if "status" in expected and integer_of(expected["status"], "status") != judged.status:
        problems.append(f"expected status {expected['status']}, happened {judged.status}")
    if "message" in expected and not re.fullmatch(_any_text(expected["message"]), judged.message, re.DOTALL):
        problems.append(f"expected message {expected['message']!r}, happened {judged.message!r}")
    contains = expected.get("message_contains", "")
    if not re.search(_any_text(contains), judged.message, re.DOTALL):
        problems.append(f"expected a message with {contains!r}, happened {judged.message!r}")
    return problems


def _any_text(message: Any) -> str:
    """Give the message as an expression, in which each placeholder stands for any text."""
    pieces = re.split(r"<arn>|<fn>|<uuid>", text_of(message, "message"))
    return ".+".join(re.escape(piece) for piece in pieces)
