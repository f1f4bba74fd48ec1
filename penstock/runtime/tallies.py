"""What each function came to over a run: the sums that a report divides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from penstock.runtime.invocation import Failure, Invocation, Throttled, TooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionTally:
    """Sums over the invocations of one function.

    ``invocations`` ran, ``errors`` of them failed, ``throttles`` did not run. ``records`` are those handed over, each
    attempt again; ``calls`` and units are what AWS was asked for, Init phases included.
    """

    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    cold_starts: int = 0
    records: int = 0
    calls: int = 0
    read_units: float = 0.0
    write_units: float = 0.0

    def plus(self, invocation: Invocation) -> FunctionTally:
        """The sums with one more invocation."""
        if isinstance(invocation.result, TooLarge):
            return self
        if isinstance(invocation.result, Throttled):
            return replace(self, throttles=self.throttles + 1)
        usage = invocation.usage
        return FunctionTally(
            invocations=self.invocations + 1,
            errors=self.errors + isinstance(invocation.result, Failure),
            throttles=self.throttles,
            cold_starts=self.cold_starts + (invocation.init_duration_ms is not None),
            records=self.records + invocation.records,
            calls=self.calls + sum(usage.calls.values()),
            read_units=self.read_units + usage.read_units,
            write_units=self.write_units + usage.write_units,
        )

    @property
    def calls_per_record(self) -> float:
        """AWS calls for each record handed over; 0 without any."""
        return self.calls / self.records if self.records else 0.0

    @property
    def read_units_per_record(self) -> float:
        """Read units for each record handed over; 0 without any."""
        return self.read_units / self.records if self.records else 0.0

    @property
    def write_units_per_record(self) -> float:
        """Write units for each record handed over; 0 without any."""
        return self.write_units / self.records if self.records else 0.0


def add_to(tallies: dict[str, FunctionTally], invocation: Invocation) -> None:
    """Add an invocation to the tallies, function label → sums."""
    label = invocation.function.label
    tallies[label] = tallies.get(label, FunctionTally()).plus(invocation)


def table_of(tallies: Mapping[str, FunctionTally]) -> list[str]:
    """The tallies as lines of text, one a function, under a line of headings; none without functions."""
    if not tallies:
        return []
    lines = [f"{'function':<14}{'invocations':>12}{'errors':>8}{'throttles':>11}{'cold':>6}{'records':>9}{_PER_RECORD}"]
    for label, tally in sorted(tallies.items()):
        lines.append(
            f"{label:<14}{tally.invocations:>12}{tally.errors:>8}{tally.throttles:>11}{tally.cold_starts:>6}"
            f"{tally.records:>9}{tally.calls_per_record:>14.3f}{tally.write_units_per_record:>12.3f}"
            f"{tally.read_units_per_record:>12.3f}"
        )
    return lines


_PER_RECORD = f"{'calls/record':>14}{'write/rec.':>12}{'read/rec.':>12}"
