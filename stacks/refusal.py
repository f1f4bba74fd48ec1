"""How settings refuse what is illegal."""

from __future__ import annotations


def require(holds: bool, problem: str) -> None:
    """Raise `ValueError` with the problem, which names the value given and the remedy, unless the condition holds."""
    if not holds:
        raise ValueError(problem)


def require_range(least: int, most: int, remedy: str, **settings: int | None) -> None:
    """Raise `ValueError` for a setting outside of its range, both ends included; None is no value to judge."""
    for name, value in settings.items():
        require(value is None or least <= value <= most, f"{name} must be {least} to {most}, not {value}: {remedy}")


def require_at_least(least: int, remedy: str, **settings: int | None) -> None:
    """Raise `ValueError` for a setting below the least that makes sense; None is no value to judge."""
    for name, value in settings.items():
        require(value is None or value >= least, f"{name} must be at least {least}, not {value}: {remedy}")
