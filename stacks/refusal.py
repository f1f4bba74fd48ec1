"""How settings refuse what is illegal."""

from __future__ import annotations


def require(holds: bool, problem: str) -> None:
    """Raise `ValueError` with the problem, which names the value given and the remedy, unless the condition holds."""
    if not holds:
        raise ValueError(problem)
