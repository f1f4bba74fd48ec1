"""Answers of the API function, in the form that an HTTP API takes from Lambda (payload format 2.0)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from web.problem import Problem


def answer(status: HTTPStatus, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Answer with a JSON document; the same document gives the same bytes."""
    return _answer(status, "application/json", document, headers or {})


def problem_answer(problem: Problem) -> dict[str, Any]:
    """Answer with a problem document."""
    return _answer(problem.status, "application/problem+json", problem.document(), problem.headers)


def _answer(
    status: HTTPStatus, content_type: str, document: Mapping[str, Any], headers: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "statusCode": status.value,
        "headers": {"content-type": content_type, "cache-control": "no-store", **headers},
        "body": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        "isBase64Encoded": False,
    }
