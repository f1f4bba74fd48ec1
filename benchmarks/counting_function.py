"""The function that both emulators run: tells the benchmark when it was called, and with how many records.

A batch that begins with the item ``gate`` waits until the benchmark opens the gate, so that records pile up behind it.
Python 3.11 or later, and nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
gate = Path(os.environ["GATE"])


def lambda_handler(event: dict[str, Any], _context: object) -> None:
    """Tell of one batch."""
    called_at = time.time()
    records = event["Records"]
    first = records[0]["dynamodb"]["Keys"]["id"]["S"]
    told = {"called_at": called_at, "records": len(records), "first": first}
    ears.sendto(json.dumps(told).encode(), os.environ["EARS"])
    while first == "gate" and not gate.exists():
        time.sleep(0.001)
