"""Read an order from the JSON document that a customer sent; only its shape is judged here, never its meaning.

| member | shape |
|---|---|
| `orderId` | text of letters, digits and `. _ ~ -`, a letter or digit first, at most 64: it is part of a path |
| `customerId` | the same; left out when the customer is not known |
| `country` | text of 1 to 100 characters |
| `lines` | list, not empty |
| `lines[].stockCode` | text of 1 to 100 characters |
| `lines[].description` | text of at most 1,000 characters, may be empty or left out |
| `lines[].quantity` | JSON whole number within ±999,999,999 |
| `lines[].unitPrice` | JSON number or decimal text, less than 1,000,000,000 from zero, at most 6 decimal places |
| `lines[].invoicedAt` | ISO 8601 date and time without zone |

The bounds of quantity and price are our choice: with them the total of an order of any size that fits into the table is
exact within the 38 digits of a DynamoDB number, and so is the sum of 10 billion such orders. A member that is not in
the table is refused, since a misspelt `customerId` would otherwise make a guest of a customer in silence.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from orders.order import Line, Order

MAX_QUANTITY = 999_999_999
PRICE_BOUND = 1_000_000_000
MAX_PRICE_PLACES = 6
MAX_FAULTS = 20

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
_DECIMAL = re.compile(r"-?[0-9]{1,32}(\.[0-9]{1,32})?")
_ORDER_MEMBERS = ("orderId", "customerId", "country", "lines")
_LINE_MEMBERS = ("stockCode", "description", "quantity", "unitPrice", "invoicedAt")
_MISSING = object()

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one member; `pointer` is a JSON pointer (RFC 6901), empty for the whole document."""

    pointer: str
    detail: str


class InvalidOrder(ValueError):
    """The document is not an order; carries the first 20 faults, in the order of the document."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'} {fault.detail}" for fault in faults))
        self.faults = faults


def is_id(text: str) -> bool:
    """Whether a text can be the id of an order or a customer at all."""
    return _ID.fullmatch(text) is not None


def order_from(document: Any) -> Order:
    """Read the order; numbers of the document must have been parsed as int and Decimal. Raises `InvalidOrder`."""
    faults: list[Fault] = []
    order = _order(document, faults)
    if order is None or faults:
        raise InvalidOrder(tuple(faults[:MAX_FAULTS]))
    return order


class _Refused(Exception):
    """A value has the wrong shape; the message ends the sentence that begins with the member's name."""


def _order(document: Any, faults: list[Fault]) -> Order | None:
    if not isinstance(document, dict):
        faults.append(Fault(pointer="", detail="must be an object"))
        return None
    _refuse_unknown(document, _ORDER_MEMBERS, "", faults)
    order_id = _member(document, "orderId", _id, "", faults)
    customer_id = _member(document, "customerId", _id, "", faults, default=None)
    country = _member(document, "country", _text, "", faults)
    entries = _member(document, "lines", _entries, "", faults)
    lines = []
    for index, entry in enumerate(entries or ()):
        lines.append(_line(entry, f"/lines/{index}", faults))
        if len(faults) >= MAX_FAULTS:
            break
    if order_id is None or country is None or faults:
        return None
    return Order(
        order_id=order_id,
        customer_id=customer_id,
        country=country,
        lines=tuple(line for line in lines if line is not None),
    )


def _line(entry: Any, pointer: str, faults: list[Fault]) -> Line | None:
    if not isinstance(entry, dict):
        faults.append(Fault(pointer=pointer, detail="must be an object"))
        return None
    _refuse_unknown(entry, _LINE_MEMBERS, pointer, faults)
    stock_code = _member(entry, "stockCode", _text, pointer, faults)
    description = _member(entry, "description", _description, pointer, faults, default="")
    quantity = _member(entry, "quantity", _quantity, pointer, faults)
    unit_price = _member(entry, "unitPrice", _price, pointer, faults)
    invoiced_at = _member(entry, "invoicedAt", _local_time, pointer, faults)
    if stock_code is None or description is None or quantity is None or unit_price is None or invoiced_at is None:
        return None
    return Line(
        stock_code=stock_code,
        description=description,
        quantity=quantity,
        unit_price=unit_price,
        invoiced_at=invoiced_at,
    )


def _refuse_unknown(document: Mapping[str, Any], known: tuple[str, ...], pointer: str, faults: list[Fault]) -> None:
    for name in document:
        if name not in known:
            escaped = _printable(name).replace("~", "~0").replace("/", "~1")
            detail = f"is not a member of an order; known here are {', '.join(known)}"
            faults.append(Fault(pointer=f"{pointer}/{escaped}", detail=detail))


def _member(
    document: Mapping[str, Any],
    name: str,
    read: Callable[[Any], _T],
    pointer: str,
    faults: list[Fault],
    *,
    default: Any = _MISSING,
) -> _T | None:
    value = document.get(name, _MISSING)
    if value is _MISSING and default is not _MISSING:
        return default  # type: ignore[no-any-return]
    try:
        if value is _MISSING:
            raise _Refused("is missing")
        return read(value)
    except _Refused as refusal:
        faults.append(Fault(pointer=f"{pointer}/{name}", detail=str(refusal)))
        return None


def _id(value: Any) -> str:
    if not isinstance(value, str):
        raise _Refused("must be text")
    if not is_id(value):
        raise _Refused("must be 1 to 64 letters, digits and . _ ~ - with a letter or digit first")
    return value


def _text(value: Any, *, shortest: int = 1, longest: int = 100) -> str:
    if not isinstance(value, str):
        raise _Refused("must be text")
    if not shortest <= len(value) <= longest:
        raise _Refused(f"must have {shortest} to {longest} characters, has {len(value)}")
    if _printable(value) != value:
        raise _Refused("must be text that can be written in UTF-8: it holds half of a surrogate pair")
    return value


def _description(value: Any) -> str:
    return _text(value, shortest=0, longest=1_000)


def _entries(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Refused("must be a list")
    if not value:
        raise _Refused("must hold at least one line")
    return value


def _quantity(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Refused("must be a whole number")
    if abs(value) > MAX_QUANTITY:
        raise _Refused(f"must be within -{MAX_QUANTITY} and {MAX_QUANTITY}")
    return value


def _price(value: Any) -> Decimal:
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise _Refused("must be a decimal number such as 2.55, without an exponent")
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _Refused("must be a decimal number or the text of one")
    if not -PRICE_BOUND < value < PRICE_BOUND:
        raise _Refused(f"must be less than {PRICE_BOUND} from zero")
    return _few_places(Decimal(value))


def _few_places(price: Decimal) -> Decimal:
    """Give the price without trailing zeros, so that every spelling of it is the same value with the same digits."""
    _, digits, exponent = price.as_tuple()
    assert isinstance(exponent, int), "a price that compares below a bound is finite"
    significant = "".join(map(str, digits)).rstrip("0")
    if not significant:
        return Decimal(0)
    places = -exponent - (len(digits) - len(significant))
    if places > MAX_PRICE_PLACES:
        raise _Refused(f"must have at most {MAX_PRICE_PLACES} decimal places, has {places}")
    return price.normalize()


def _local_time(value: Any) -> str:
    if not isinstance(value, str):
        raise _Refused("must be text")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _Refused("must be an ISO 8601 date and time such as 2010-12-01T08:26:00") from None
    if len(value) <= len("2010-12-01"):
        raise _Refused("must have a time of day, such as 2010-12-01T08:26:00")
    if moment.tzinfo is not None:
        raise _Refused("must have no zone")
    return moment.isoformat()


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
