"""A refusal, told as a problem document (RFC 9457).

Shape: `type`, `title`, `status`, `detail`, and for a refused member, parameter or header `field` (the first one's name)
and `errors`, each with `field`, `detail` and one of `pointer` (into the body, RFC 6901), `parameter` (of query or path)
and `header`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from orders.placement import Fault

TYPES = "urn:penstock:problem:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was refused; `name` becomes the type, none means that the status says it all (`about:blank`)."""

    status: HTTPStatus
    detail: str
    name: str | None = None
    title: str | None = None
    errors: tuple[Mapping[str, str], ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Write the problem document."""
        document: dict[str, Any] = {
            "type": f"{TYPES}{self.name}" if self.name else "about:blank",
            "title": self.title or self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
        }
        if self.errors:
            document |= {"field": self.errors[0]["field"], "errors": [dict(error) for error in self.errors]}
        return document | dict(self.members)


class Refused(Exception):
    """The request is refused; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def invalid_order(faults: tuple[Fault, ...]) -> Problem:
    """Word the faults of an order's shape."""
    errors = tuple(
        {"field": _field(fault.pointer), "pointer": f"#{fault.pointer}", "detail": fault.detail} for fault in faults
    )
    return Problem(
        status=HTTPStatus.BAD_REQUEST,
        name="invalid-order",
        title="The body is not an order",
        detail="; ".join(f"{error['field']} {error['detail']}" for error in errors),
        errors=errors,
    )


def invalid_parameter(name: str, detail: str) -> Problem:
    """Word the fault of a query parameter."""
    return Problem(
        status=HTTPStatus.BAD_REQUEST,
        name="invalid-parameter",
        title="A query parameter has a wrong value",
        detail=f"{name} {detail}",
        errors=({"field": name, "parameter": name, "detail": detail},),
    )


def invalid_header(name: str, detail: str) -> Problem:
    """Word the fault of a header."""
    return Problem(
        status=HTTPStatus.BAD_REQUEST,
        name="invalid-header",
        title="A header has a wrong value",
        detail=f"{name} {detail}",
        errors=({"field": name, "header": name, "detail": detail},),
    )


def malformed_body(detail: str) -> Problem:
    """Word that the body cannot be read at all."""
    return Problem(
        status=HTTPStatus.BAD_REQUEST,
        name="malformed-body",
        title="The body is not JSON",
        detail=detail,
        errors=({"field": "body", "pointer": "#", "detail": detail},),
    )


def too_large(what: str, *, size_bytes: int, limit_bytes: int, field: str) -> Problem:
    """Word that something is larger than it may be, with both numbers; `field` is what has to become smaller."""
    detail = f"{what} has {size_bytes} bytes, the limit is {limit_bytes}"
    return Problem(
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        name="too-large",
        title="The order is too large",
        detail=detail,
        errors=({"field": field, "pointer": "#" if field == "body" else f"#/{field}", "detail": detail},),
        members={"sizeBytes": size_bytes, "limitBytes": limit_bytes},
    )


def conflict(order_id: str) -> Problem:
    """Word that an order's id is taken by other content."""
    return Problem(
        status=HTTPStatus.CONFLICT,
        name="order-exists",
        title="The order's id is taken",
        detail=f"order {order_id} was placed before with other content",
        errors=({"field": "orderId", "pointer": "#/orderId", "detail": "was placed before with other content"},),
    )


def not_found(what: str) -> Problem:
    """Word that there is nothing, or nothing that the caller may know of."""
    return Problem(status=HTTPStatus.NOT_FOUND, detail=what)


def forbidden(detail: str, *errors: Mapping[str, str]) -> Problem:
    """Word that the caller may not do this."""
    return Problem(status=HTTPStatus.FORBIDDEN, detail=detail, errors=errors)


def wrong_method(method: str, path: str, allowed: tuple[str, ...]) -> Problem:
    """Word that a path does not know a method."""
    allow = ", ".join(allowed)
    return Problem(
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        detail=f"{path} does not take {method}; it takes {allow}",
        headers={"allow": allow},
    )


def busy() -> Problem:
    """Word that a table is throttled for the moment."""
    return Problem(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail="the tables are busy for the moment; the same request may be sent again",
        headers={"retry-after": "1"},
    )


def _field(pointer: str) -> str:
    """Spell a JSON pointer as code would: `/lines/0/quantity` is `lines[0].quantity`."""
    if not pointer:
        return "body"
    spelled = ""
    for token in pointer[1:].split("/"):
        name = token.replace("~1", "/").replace("~0", "~")
        spelled += f"[{name}]" if name.isdecimal() else f".{name}"
    return spelled.removeprefix(".")
