"""The invoices of a CSV file in the format of the *Online Retail* data set.

One row is one line of an invoice; rows with the same InvoiceNo make one invoice, in the order of the file. A row
that cannot be read withholds its whole invoice, because half an order would be another order: it is listed with its
line and the reason, and reading goes on. Only a file that holds no table of this kind at all is refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from penstock.errors import UsageError

PACKAGED_FILE = Path(__file__).with_name("online_retail.csv")
"""The file that comes with the tool; where it is from stands in ``online_retail.md`` beside it."""

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")

MAX_LINES_OF_A_ROW = 20
"""How far a quoted field may reach over line breaks; our choice: beyond this, a quote was forgotten."""

MAX_QUANTITY = 999_999_999
PRICE_BOUND = 1_000_000_000
MAX_PRICE_PLACES = 6
MAX_TEXT = 100
MAX_DESCRIPTION = 1_000
"""The bounds of ``POST /orders``: what lies beyond cannot be an order here, so it is not sent."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_REMEDY = "give a UTF-8 CSV file with the columns " + ",".join(COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One line of an invoice. ``line`` is its place in the file, the header being line 1."""

    line: int
    stock_code: str
    description: str
    quantity: int
    unit_price: Decimal
    invoiced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice: an order, or a return when its number starts with ``C``. It has at least one line."""

    invoice_no: str
    customer_id: str | None
    country: str
    lines: tuple[InvoiceLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """A row that could not be read, and why; its invoice is withheld."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a file holds: the invoices that can be sent, and the rows that withheld others; both in file order."""

    invoices: tuple[Invoice, ...]
    not_sent: tuple[NotSent, ...]


def read_orders(path: Path, *, limit: int | None = None) -> Orders:
    """Read ``path``; with ``limit`` only the first so many sendable invoices, and the refusals up to the last of them.

    Raises `UsageError` when the file cannot be read, is empty, lacks a column or holds no row.
    """
    try:
        # A byte that is no UTF-8 becomes a lone surrogate, so that it costs one invoice and not the run.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            text_lines = list(file)
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror or problem}; {_REMEDY}") from problem
    rows = _rows(text_lines)
    header = _header(path, next(rows, None))
    book = _Book()
    for row in rows:
        book.enter(row, header)
    if not book.lines and not book.not_sent:
        raise UsageError(f"{path}: no row below the header; {_REMEDY}")
    return book.orders(limit)


# --- rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: int
    fields: Sequence[str]
    flaw: str = ""


def _rows(text_lines: Sequence[str]) -> Iterator[_Row]:
    """The rows of a CSV text. A broken row never takes the lines after it along, as a forgotten quote would."""
    at = 0
    columns = 0
    while at < len(text_lines):
        reader = csv.reader(text_lines[at : at + MAX_LINES_OF_A_ROW], strict=True)
        flaw = ""
        try:
            fields = next(reader)
        except csv.Error as problem:
            flaw = "a quote is not closed" if "unexpected end" in str(problem) else f"malformed CSV: {problem}"
            fields = _first_fields(text_lines[at])
        span = 1 if flaw else reader.line_num
        if span > 1 and columns and len(fields) != columns:
            flaw, span, fields = "a quote is not closed", 1, _first_fields(text_lines[at])
        if fields:
            yield _Row(line=at + 1, fields=fields, flaw=flaw)
            columns = columns or len(fields)
        at += span


def _first_fields(text_line: str) -> list[str]:
    """What can be told of a broken row: enough to know which invoice to withhold."""
    try:
        return next(csv.reader([text_line]), [""])
    except csv.Error:
        return text_line[:200].split(",")[:1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """How many fields a row has, and the place of each known column; others are left alone."""

    width: int
    places: Mapping[str, int]


def _header(path: Path, row: _Row | None) -> _Header:
    if row is None:
        raise UsageError(f"{path}: the file is empty; {_REMEDY}")
    names = [name.strip() for name in row.fields]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise UsageError(f"{path}: the header lacks {', '.join(missing)}; {_REMEDY}")
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        raise UsageError(f"{path}: the header names {', '.join(twice)} more than once; {_REMEDY}")
    return _Header(width=len(names), places={name: names.index(name) for name in COLUMNS})


# --- invoices ------------------------------------------------------------------------------------


class _Unreadable(Exception):
    """A row's flaw, in words; never leaves this module."""


class _Book:
    """The invoices as they fill up, row by row."""

    def __init__(self) -> None:
        self.lines: dict[str, list[InvoiceLine]] = {}
        self.parties: dict[str, tuple[int, str, str]] = {}
        self.withheld: set[str] = set()
        self.not_sent: list[NotSent] = []

    def enter(self, row: _Row, header: _Header) -> None:
        """Add a row to its invoice, or withhold the invoice."""
        place = header.places["InvoiceNo"]
        invoice_no = row.fields[place].strip() if place < len(row.fields) else ""
        try:
            if not invoice_no:
                raise _Unreadable(row.flaw or "InvoiceNo is empty: no telling which invoice it belongs to")
            self._add(invoice_no, row, header)
        except _Unreadable as flaw:
            self.withheld.add(invoice_no)
            whose = f"invoice {_printable(invoice_no)} is withheld: " if invoice_no else ""
            self.not_sent.append(NotSent(line=row.line, reason=f"{whose}{flaw}"))

    def _add(self, invoice_no: str, row: _Row, header: _Header) -> None:
        if row.flaw:
            raise _Unreadable(row.flaw)
        if len(row.fields) != header.width:
            raise _Unreadable(f"{len(row.fields)} fields where the header has {header.width}")
        cells = {name: row.fields[header.places[name]] for name in COLUMNS}
        for name, text in cells.items():
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                raise _Unreadable(f"{name} {_printable(text)} is not UTF-8")
        _id("InvoiceNo", invoice_no)
        line = _line(row.line, cells)
        customer_id = cells["CustomerID"].strip()
        if customer_id:
            _id("CustomerID", customer_id)
        party = customer_id, _name("Country", cells["Country"].strip())
        first, *known = self.parties.setdefault(invoice_no, (row.line, *party))
        for name, said, before in zip(("CustomerID", "Country"), party, known, strict=True):
            if said != before:
                raise _Unreadable(f"{name} {_printable(said)} differs from {_printable(str(before))} in line {first}")
        self.lines.setdefault(invoice_no, []).append(line)

    def orders(self, limit: int | None) -> Orders:
        """The whole invoices, in the order of their first rows."""
        whole = [number for number in self.lines if number not in self.withheld]
        cut = None if limit is None or limit >= len(whole) else self.lines[whole[limit]][0].line
        return Orders(
            invoices=tuple(
                Invoice(
                    invoice_no=number,
                    customer_id=self.parties[number][1] or None,
                    country=self.parties[number][2],
                    lines=tuple(self.lines[number]),
                )
                for number in whole[:limit]
            ),
            not_sent=tuple(flaw for flaw in self.not_sent if cut is None or flaw.line < cut),
        )


def _line(line: int, cells: Mapping[str, str]) -> InvoiceLine:
    description = cells["Description"]
    if len(description) > MAX_DESCRIPTION:
        raise _Unreadable(f"Description has {len(description)} characters, more than {MAX_DESCRIPTION}")
    return InvoiceLine(
        line=line,
        stock_code=_name("StockCode", cells["StockCode"].strip()),
        description=description,
        quantity=_quantity(cells["Quantity"].strip()),
        unit_price=_price(cells["UnitPrice"].strip()),
        invoiced_at=_instant(cells["InvoiceDate"].strip()),
    )


def _id(column: str, text: str) -> str:
    if not _ID.fullmatch(text):
        raise _Unreadable(f"{column} {_printable(text)} is not 1 to 64 letters, digits and . _ ~ -")
    return text


def _name(column: str, text: str) -> str:
    if not text:
        raise _Unreadable(f"{column} is empty")
    if len(text) > MAX_TEXT:
        raise _Unreadable(f"{column} has {len(text)} characters, more than {MAX_TEXT}")
    return text


def _quantity(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise _Unreadable(f"Quantity {_printable(text)} is not a whole number")
    quantity = Decimal(text)
    if abs(quantity) > MAX_QUANTITY:
        raise _Unreadable(f"Quantity {_printable(text)} is beyond {MAX_QUANTITY}")
    return int(quantity)


def _price(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise _Unreadable(f"UnitPrice {_printable(text)} is not a decimal number such as 2.55, without an exponent")
    price = Decimal(text)
    if abs(price) >= PRICE_BOUND:
        raise _Unreadable(f"UnitPrice {_printable(text)} is not below {PRICE_BOUND}")
    if len(text.partition(".")[2].rstrip("0")) > MAX_PRICE_PLACES:
        raise _Unreadable(f"UnitPrice {_printable(text)} has more than {MAX_PRICE_PLACES} decimal places")
    return price


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or len(text) <= len("2010-12-01"):
        raise _Unreadable(f"InvoiceDate {_printable(text)} is not a date and time such as 2010-12-01T08:26:00")
    if instant.tzinfo is not None:
        raise _Unreadable(f"InvoiceDate {_printable(text)} has a zone; it must be local time without one")
    return instant


def _printable(text: str) -> str:
    """The text as a person can read it in one line, shortened."""
    shown = text if len(text) <= 40 else text[:37] + "..."
    return ascii(shown) if not shown.isprintable() else f"'{shown}'"
