"""How one function runs: memory, timeout, concurrency, warm starts."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.refusal import require, require_at_least, require_range


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
        require_range(128, 10_240, "choose a value that Lambda offers", memory_size_mb=self.memory_size_mb)
        require_range(1, 900, "split work that takes longer", timeout_seconds=self.timeout_seconds)
        require_at_least(
            1,
            "0 stops the function, None leaves it in the account's pool",
            reserved_concurrent_executions=reserved,
        )
        require_at_least(1, "None turns it off", provisioned_concurrent_executions=provisioned)
        require(
            not (self.snap_start and provisioned is not None),
            f"snap_start and provisioned_concurrent_executions={provisioned} exclude each other: choose one of them",
        )
        require(
            provisioned is None or reserved is None or provisioned <= reserved,
            f"provisioned_concurrent_executions={provisioned} exceeds reserved_concurrent_executions={reserved}: "
            "raise the reserved or lower the provisioned concurrency",
        )
