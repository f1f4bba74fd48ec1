"""Reading the orders file: what becomes an invoice, what withholds one, what is no orders file at all."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from penstock.demo.orders import PACKAGED_FILE, read_orders
from penstock.errors import UsageError

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
GOOD = "536365,71053,LANTERN,6,2010-12-01T08:26:00,3.39,17850,United Kingdom"
OTHER = "536366,22633,HAND WARMER,2,2010-12-01T08:28:00,1.85,17850,United Kingdom"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows below the header, and give the file."""

    def write_rows(*rows: str | bytes, header: str = HEADER, newline: str = "\n") -> Path:
        path = tmp_path / "orders.csv"
        lines = [line if isinstance(line, bytes) else line.encode() for line in (header, *rows)]
        path.write_bytes(newline.encode().join(lines))
        return path

    return write_rows


def test_packaged_file_holds_310_readable_invoices() -> None:
    """The file that comes along is read whole."""
    orders = read_orders(PACKAGED_FILE)

    assert len(orders.invoices) == 310
    assert sum(len(invoice.lines) for invoice in orders.invoices) == 5217
    assert orders.not_sent == ()


def test_rows_of_one_invoice_are_grouped_in_file_order(write: Write) -> None:
    """Rows of an invoice belong together wherever they stand, and keep their line numbers."""
    orders = read_orders(write(GOOD, OTHER, "536365,85123A,,-1,2010-12-01T08:30:00,0.0,17850,United Kingdom"))

    first, second = orders.invoices
    assert (first.invoice_no, second.invoice_no) == ("536365", "536366")
    assert [line.line for line in first.lines] == [2, 4]
    assert (first.customer_id, first.country) == ("17850", "United Kingdom")
    assert first.lines[1].quantity == -1
    assert first.lines[1].unit_price == Decimal("0.0")
    assert first.lines[1].invoiced_at == datetime(2010, 12, 1, 8, 30)


def test_byte_order_mark_crlf_quotes_and_blank_lines_are_read(write: Write) -> None:
    """What spreadsheets write around the same data changes nothing."""
    quoted = '536365,71053,"LANTERN, ""WHITE""\r\nBIG",6,2010-12-01 08:26:00,3.39,,United Kingdom'
    orders = read_orders(write(quoted, "", OTHER, "", header="\ufeff" + HEADER, newline="\r\n"))

    assert orders.not_sent == ()
    assert orders.invoices[0].lines[0].description == 'LANTERN, "WHITE"\r\nBIG'
    assert orders.invoices[0].customer_id is None
    assert orders.invoices[1].lines[0].line == 5


def test_columns_are_found_by_name(write: Write) -> None:
    """Other columns and another order of the columns do no harm."""
    header = "Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo,Remark"
    orders = read_orders(write("France,12583,3.75,2010-12-01T08:45:00,24,CLOCK,22728,536370,gift", header=header))

    assert orders.invoices[0].invoice_no == "536370"
    assert orders.invoices[0].country == "France"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("536365,1,X,six,2010-12-01T08:26:00,1,17850,UK", "Quantity 'six' is not a whole number"),
        ("536365,1,X,1_0,2010-12-01T08:26:00,1,17850,UK", "Quantity '1_0' is not a whole number"),
        ("536365,1,X,9999999999,2010-12-01T08:26:00,1,17850,UK", "Quantity '9999999999' is beyond 999999999"),
        ("536365,1,X,1,2010-12-01T08:26:00,NaN,17850,UK", "UnitPrice 'NaN' is not a decimal number"),
        ("536365,1,X,1,2010-12-01T08:26:00,,17850,UK", "UnitPrice '' is not a decimal number"),
        ("536365,1,X,1,2010-12-01T08:26:00,1e3,17850,UK", "UnitPrice '1e3' is not a decimal number"),
        ("536365,1,X,1,2010-12-01T08:26:00,0.0000001,17850,UK", "'0.0000001' has more than 6 decimal places"),
        ("536365,1,X,1,2010-12-01T08:26:00,1000000000,17850,UK", "UnitPrice '1000000000' is not below 1000000000"),
        ("536365,1,X,1,12/1/2010 8:26,1,17850,UK", "'12/1/2010 8:26' is not a date and time such as"),
        ("536365,1,X,1,2010-12-01,1,17850,UK", "'2010-12-01' is not a date and time such as"),
        ("536365,1,X,1,2010-12-01T08:26:00Z,1,17850,UK", "'2010-12-01T08:26:00Z' has a zone"),
        ("536365,,X,1,2010-12-01T08:26:00,1,17850,UK", "StockCode is empty"),
        ("536365,1,X,1,2010-12-01T08:26:00,1,17850,", "Country is empty"),
        ("536365,1,X,1,2010-12-01T08:26:00,1,17 850,UK", "CustomerID '17 850' is not 1 to 64 letters"),
        (
            "536365,1,X,1,2010-12-01T08:26:00,1,13047,United Kingdom",
            "CustomerID '13047' differs from '17850' in line 2",
        ),
        ("536365,1,X,1,2010-12-01T08:26:00,1,17850,France", "Country 'France' differs from 'United Kingdom' in line 2"),
        ("536365,1,X,1,2010-12-01T08:26:00,1,17850", "7 fields where the header has 8"),
        ("536365,1,X,1,2010-12-01T08:26:00,1,17850,UK,more", "9 fields where the header has 8"),
        ('536365,1,"X,1,2010-12-01T08:26:00,1,17850,UK', "a quote is not closed"),
        ('536365,1,"X" Y,1,2010-12-01T08:26:00,1,17850,UK', "malformed CSV"),
        (b"536365,1,\xa3 X,1,2010-12-01T08:26:00,1,17850,UK", "Description '\\udca3 X' is not UTF-8"),
        (f"536365,1,{'X' * 1001},1,2010-12-01T08:26:00,1,17850,UK", "Description has 1001 characters, more than 1000"),
    ],
)
def test_unreadable_row_withholds_its_whole_invoice(write: Write, row: str | bytes, reason: str) -> None:
    """One broken row keeps the invoice back, with line and reason, and the others are read."""
    orders = read_orders(write(GOOD, row, OTHER))

    assert [invoice.invoice_no for invoice in orders.invoices] == ["536366"]
    assert [refusal.line for refusal in orders.not_sent] == [3]
    assert orders.not_sent[0].reason.startswith("invoice '536365' is withheld: ")
    assert reason in orders.not_sent[0].reason


def test_row_without_invoice_number_withholds_no_other(write: Write) -> None:
    """A row that names no invoice is refused by itself."""
    orders = read_orders(write(GOOD, ",1,X,1,2010-12-01T08:26:00,1,17850,UK"))

    assert [invoice.invoice_no for invoice in orders.invoices] == ["536365"]
    assert orders.not_sent[0].reason == "InvoiceNo is empty: no telling which invoice it belongs to"


def test_forgotten_quote_takes_no_later_row_along(write: Write) -> None:
    """A quote that is closed by chance rows later costs the invoice of its own row only."""
    swallowing = '536364,1,"X,1,2010-12-01T08:26:00,1,17850,UK'
    closing = '536367,1,"Y",1,2010-12-01T08:26:00,1,17850,UK'
    orders = read_orders(write(swallowing, GOOD, OTHER, closing))

    assert [invoice.invoice_no for invoice in orders.invoices] == ["536365", "536366", "536367"]
    assert [refusal.line for refusal in orders.not_sent] == [2]


def test_limit_counts_sendable_invoices(write: Write) -> None:
    """A limit cuts after so many invoices that can be sent, and drops the refusals that come later."""
    broken = "53636{},1,X,none,2010-12-01T08:26:00,1,17850,UK"
    orders = read_orders(write(broken.format(1), GOOD, OTHER, broken.format(9)), limit=1)

    assert [invoice.invoice_no for invoice in orders.invoices] == ["536365"]
    assert [refusal.line for refusal in orders.not_sent] == [2]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (HEADER.encode() + b"\n", "no row below the header"),
        (b"InvoiceNo,StockCode\n1,2\n", "the header lacks Description, Quantity, InvoiceDate"),
        (HEADER.replace(",", ";").encode(), "the header lacks InvoiceNo"),
        (HEADER.encode() + b",Country\n", "the header names Country more than once"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "the header lacks InvoiceNo"),
    ],
)
def test_fails_when_the_file_is_no_orders_file(tmp_path: Path, content: bytes, problem: str) -> None:
    """A file of another kind is refused with what is missing and what to give."""
    path = tmp_path / "orders.csv"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=problem) as refusal:
        read_orders(path)
    assert "give a UTF-8 CSV file with the columns InvoiceNo,StockCode" in str(refusal.value)


def test_fails_when_the_file_cannot_be_opened(tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder, is refused with the path."""
    with pytest.raises(UsageError, match=r"nowhere\.csv: No such file or directory"):
        read_orders(tmp_path / "nowhere.csv")
    with pytest.raises(UsageError, match="Is a directory"):
        read_orders(tmp_path)
