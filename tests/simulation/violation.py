"""What a simulated world says when the core breaks a rule."""

from __future__ import annotations


class Violation(AssertionError):
    """A rule does not hold; ``rule`` is the sentence without details, alike for alike failures."""

    def __init__(self, rule: str, details: str = "") -> None:
        self.rule = rule
        super().__init__(f"{rule}: {details}" if details else rule)
