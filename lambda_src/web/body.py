"""The body of a request, from what API Gateway hands over to a JSON document with exact numbers."""

import base64
import binascii
import json
from collections.abc import Mapping
from decimal import Decimal, DecimalException
from typing import Any, NoReturn

from web.problem import Refused, malformed_body, too_large

LIMIT_BYTES = 1024 * 1024
"""Largest body that is read: 1 MB. Our choice, above what an item holds as JSON and far below API Gateway's 10 MB."""


def document_of(event: Mapping[str, Any]) -> Any:
    """Read the body as JSON, fractions as Decimal. Raises `Refused` when it is too large or no JSON."""
    content = _content(event)
    if len(content) > LIMIT_BYTES:
        raise Refused(too_large("the body", size_bytes=len(content), limit_bytes=LIMIT_BYTES, field="body"))
    if not content:
        raise Refused(malformed_body("the body is empty"))
    try:
        return json.loads(content.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Refused(malformed_body(f"the body is not UTF-8 at byte {error.start}")) from error
    except json.JSONDecodeError as error:
        raise Refused(malformed_body(f"{error.msg} at line {error.lineno}, column {error.colno}")) from error
    except (ValueError, DecimalException) as error:
        raise Refused(malformed_body("the body holds a number that cannot be read")) from error
    except RecursionError as error:
        raise Refused(malformed_body("the body is nested too deeply")) from error


def _content(event: Mapping[str, Any]) -> bytes:
    """Give the body as it was sent: API Gateway hands over types that it does not know as text in base64."""
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(malformed_body("the body is not base64, though it is said to be")) from error


def _refuse_constant(name: str) -> NoReturn:
    raise Refused(malformed_body(f"{name} is not a JSON number"))
