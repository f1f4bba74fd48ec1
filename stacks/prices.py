"""What AWS asks for what this application uses, in dollars."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices of one region that the dashboard's cost lines reckon with: no free tier, no discount.

    The defaults are those of us-east-1 in 2026 as we know them: compare them with the pricing page of each service
    before you rely on a line. Left out is what no metric tells: storage, backups, data transfer, the Init of a
    function, the alarms themselves.
    """

    # arm64, first tier.
    lambda_gb_second: float = 0.000_013_333_4
    lambda_request: float = 0.000_000_2
    log_gb: float = 0.50
    # On demand, standard table class.
    read_unit: float = 0.000_000_125
    write_unit: float = 0.000_000_625
    # Each up to 64 KB; an order's event is a few hundred bytes.
    bus_event: float = 0.000_001
    queue_request: float = 0.000_000_4
    # Of a standard workflow.
    state_transition: float = 0.000_025
    # Up to 512 KB.
    api_request: float = 0.000_001
