"""What an application hangs on moto's functions, of which a process has one each: gone when the application is.

Who uses moto after it, a test of somebody's own or the next application, must not meet its readers, rights and clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_BARE: dict[tuple[Any, str], Any] = {}
"""(Class or module, name) → the function without a hook."""


def hang(owner: Any, name: str, hook: Callable[[Any], Any]) -> None:
    """Put ``hook(bare)`` in place of a function, whose ``bare`` form has none: of two hooks, the later one stays."""
    bare = _BARE.setdefault((owner, name), getattr(owner, name))
    setattr(owner, name, hook(bare))


def take_down() -> None:
    """Have all functions as they were before their first hook."""
    while _BARE:
        (owner, name), bare = _BARE.popitem()
        setattr(owner, name, bare)
