"""How one table is paid for, and how much it may take."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.refusal import require, require_at_least, require_range


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemand:
    """Billed by the request. The maxima are units a second; what exceeds one is throttled, not billed."""

    max_read_request_units: int
    max_write_request_units: int

    def __post_init__(self) -> None:
        """Refuse a maximum that lets nothing through."""
        require_at_least(
            1,
            "with less the table takes no request at all",
            max_read_request_units=self.max_read_request_units,
            max_write_request_units=self.max_write_request_units,
        )

    @property
    def most_write_units(self) -> int:
        """The most that the table writes in a second."""
        return self.max_write_request_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaled:
    """Units a second of one kind, kept between two limits so that the target share of them is used."""

    min_capacity: int
    max_capacity: int
    target_utilization_percent: int

    def __post_init__(self) -> None:
        """Refuse what Application Auto Scaling would refuse."""
        require(
            1 <= self.min_capacity <= self.max_capacity,
            f"min_capacity={self.min_capacity} and max_capacity={self.max_capacity} are no range: "
            "let the first be 1 or more and not above the second",
        )
        # DynamoDB developer guide, "Managing throughput capacity automatically with auto scaling".
        require_range(20, 90, "70 leaves room for a burst", target_utilization_percent=self.target_utilization_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """Billed by the hour, used or not; cheaper than by the request once the load is known and even."""

    read: Autoscaled
    write: Autoscaled

    @property
    def most_write_units(self) -> int:
        """The most that the table writes in a second, once it has been scaled up."""
        return self.write.max_capacity


Capacity = OnDemand | Provisioned


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """The capacity of each table of the application."""

    orders: Capacity
    customer_orders: Capacity
    statistics: Capacity
    idempotency: Capacity
