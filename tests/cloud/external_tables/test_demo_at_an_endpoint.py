"""The whole application with its tables at another endpoint."""

from __future__ import annotations

import io
import json
import urllib.request
from pathlib import Path
from typing import Any

from penstock.demo.orders import PACKAGED_FILE
from penstock.demo.session import run_demo
from penstock.terminal import Progress


def test_demo_accounts_for_every_order_and_leaves_no_table(cloud_assembly: Path, another_dynamodb: str) -> None:
    """Nothing is lost on the way to the endpoint and back, though the clock jumps; at the end the endpoint is empty."""
    report = run_demo(
        assembly=cloud_assembly,
        orders_file=PACKAGED_FILE,
        limit=8,
        seed=1,
        progress=Progress(io.StringIO()),
        dynamodb_endpoint=another_dynamodb,
    )

    assert report.exit_code == 0, report.table()
    assert tables_at(another_dynamodb) == []


def tables_at(url: str) -> list[Any]:
    """Names of the tables there."""
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    request = urllib.request.Request(url, data=b"{}", headers=headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        return list(json.load(answer)["TableNames"])
