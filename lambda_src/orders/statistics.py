"""Statistics over windows: one row per window, shard and first record, and what rows come to together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orders.money import money_text
from orders.tally import Figures, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStatistics:
    """The tally of one window of one shard; start and end are `YYYY-MM-DDTHH:MM:SSZ`, the end excluded."""

    window_start: str
    window_end: str
    shard_id: str
    tally: Tally

    @property
    def day(self) -> str:
        """The day of the window's start, in UTC."""
        return self.window_start[:10]

    @property
    def window(self) -> str:
        """What tells this row from every other of its day; the same window written again has the same name."""
        return f"{self.window_start}#{self.shard_id}#{self.tally.first_sequence_number}"


def statistics_document(rows: Iterable[WindowStatistics]) -> dict[str, Any]:
    """Write rows as the API answers them: one member per window, its shards added up, and the totals over all of them.

    Shape: `windows` in order of time, may be empty; `totals` with `order` and `return`, each count, items, value.
    """
    windows: dict[tuple[str, str], list[Tally]] = {}
    for row in rows:
        windows.setdefault((row.window_start, row.window_end), []).append(row.tally)
    tallies = [tally for window in windows.values() for tally in window]
    return {
        "windows": [
            {"windowStart": start, "windowEnd": end, **_sums(windows[start, end])} for start, end in sorted(windows)
        ],
        "totals": _sums(tallies),
    }


def _sums(tallies: Iterable[Tally]) -> dict[str, Any]:
    orders, returns, bad_records = Figures(), Figures(), 0
    for tally in tallies:
        orders, returns = orders + tally.orders, returns + tally.returns
        bad_records += tally.bad_records
    return {"order": _figures(orders), "return": _figures(returns), "badRecords": bad_records}


def _figures(figures: Figures) -> dict[str, Any]:
    return {"count": figures.count, "items": figures.items, "value": money_text(figures.value)}
