"""Runs, checks and operates a synthesized CloudFormation template with the real service's semantics."""

from pathlib import Path

__version__ = "0.1.0"

CACHE = Path(".penstock")
"""Where the tool keeps what it made and may use again, in the current folder."""

JOURNAL = CACHE / "journal.jsonl"
"""Where `penstock run` and `penstock demo` keep what happened, for `penstock story`."""
