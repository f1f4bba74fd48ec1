"""How one function runs: memory, timeout, concurrency, warm starts."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.refusal import require


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """How one function runs.

    ``reserved_concurrent_executions=None`` leaves it in the account's unreserved pool.
    """

    memory_size_mb: int
    timeout_seconds: int
    reserved_concurrent_executions: int | None
    # Off unless a reason is given: it bills by the hour whether or not anything is invoked.
    provisioned_concurrent_executions: int | None = None
    # Off unless a reason is given: for Python it bills for caching and for each restore.
    snap_start: bool = False

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse, or what would never run as meant."""
        reserved, provisioned = self.reserved_concurrent_executions, self.provisioned_concurrent_executions
        require(
            128 <= self.memory_size_mb <= 10_240,
            f"memory_size_mb must be 128 to 10240, not {self.memory_size_mb}: choose a value that Lambda offers",
        )
        require(
            1 <= self.timeout_seconds <= 900,
            f"timeout_seconds must be 1 to 900, not {self.timeout_seconds}: split work that takes longer",
        )
        require(
            reserved is None or reserved >= 1,
            f"reserved_concurrent_executions must be at least 1, not {reserved}: 0 stops the function, "
            "None leaves it in the account's pool",
        )
        require(
            provisioned is None or provisioned >= 1,
            f"provisioned_concurrent_executions must be at least 1, not {provisioned}: None turns it off",
        )
        require(
            not (self.snap_start and provisioned is not None),
            f"snap_start and provisioned_concurrent_executions={provisioned} exclude each other: choose one of them",
        )
        require(
            provisioned is None or reserved is None or provisioned <= reserved,
            f"provisioned_concurrent_executions={provisioned} exceeds reserved_concurrent_executions={reserved}: "
            "raise the reserved or lower the provisioned concurrency",
        )
