"""Runs, checks and operates a synthesized CloudFormation template with the real service's semantics."""

__version__ = "0.1.0"
