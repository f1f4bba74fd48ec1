"""What AWS asks for it: dated list prices of one region, and what figures of the bench come to by them.

The amounts of AWS's pages "Amazon DynamoDB pricing for on-demand capacity" and "AWS Lambda pricing" are put in by a
script, so they are taken here from pages that quote them, read on the day below; the last change of any of them known
there is that of DynamoDB's on-demand prices on 1 November 2024. Free tiers, discounts and storage are left out.
"""

from __future__ import annotations

REGION = "us-east-1"
READ_ON = "2026-11-25"
SOURCES = (
    "airbyte.com, Amazon DynamoDB Pricing (21 July 2025)",
    "cloudchipr.com, AWS Lambda Pricing Breakdown (first tier, Arm)",
)

WRITE_MILLION_DOLLARS = 0.625
"""A million write request units, table class Standard, on demand."""
READ_MILLION_DOLLARS = 0.125
"""A million read request units, likewise."""
GB_SECOND_DOLLARS = 0.0000133334
"""A GB-second of Lambda on Arm, the application's architecture."""
INVOCATIONS_MILLION_DOLLARS = 0.20
"""A million requests of Lambda."""

MEMORY_MB = 512
"""What the functions have on the stage `dev`."""
PROCESSOR_MB = 1_769
"""Memory that comes with one processor (source: "Configure Lambda function memory"); less comes with a part of one."""


def dynamodb_dollars(write_units: float, read_units: float) -> float:
    """Dollars for a million records of so many units each."""
    return write_units * WRITE_MILLION_DOLLARS + read_units * READ_MILLION_DOLLARS


def lambda_dollars(processor_ms: float, waiting_ms: float, invocations: float) -> float:
    """Dollars for a million records that each take so long, and so many (mostly a fraction of an) invocations.

    What was measured on a whole processor takes longer on the part of one that comes with the memory.
    """
    seconds = (processor_ms * PROCESSOR_MB / MEMORY_MB + waiting_ms) / 1_000
    return seconds * MEMORY_MB / 1_024 * GB_SECOND_DOLLARS * 1_000_000 + invocations * INVOCATIONS_MILLION_DOLLARS
