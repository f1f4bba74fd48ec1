"""Playing many histories."""

import importlib
import os
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.lambda_src.order.history import Broken, Handlers, History

EXPECTED = {
    "a stranger's write",
    "another invocation in between",
    "answer of the bus lost",
    "answer of the function lost",
    "answer of the table lost",
    "call refused",
    "call timed out and comes late",
    "entry refused",
    "event doubled",
    "fulfilment stops half-way",
    "message given up",
    "poison",
    "published again",
    "record given up",
    "record reported",
    "relay died after the call",
    "relay died before the call",
    "replicate died after the call",
    "replicate died before the call",
    "statement throttled",
    "statements refused",
    "time is running out",
}
"""What has to happen now and then, or the histories say nothing about it."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "order-histories",
    "POWERTOOLS_METRICS_NAMESPACE": "Penstock",
    "ORDERS_TABLE": "Orders",
    "CUSTOMER_ORDERS_TABLE": "CustomerOrders",
    "IDEMPOTENCY_TABLE": "Idempotency",
    "EVENT_BUS_NAME": "Bus",
}
_PORTION = 100


def load() -> Handlers:
    """Import the functions, once for all histories; the environment has to be there."""
    return Handlers(**{name: importlib.import_module(f"handlers.{name}") for name in ("relay", "enrich", "replicate")})


def play(seed: int, handlers: Handlers, seen: Counter[str]) -> str | None:
    """Play one history, add what happened to `seen`, and give the rule that was broken."""
    history = History(seed, handlers)
    try:
        history.play()
    except Broken as broken:
        return str(broken)
    finally:
        seen.update(history.seen)
    return None


def play_seeds(seeds: range, *, processes: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Play many; give what happened, and the seeds that broke a rule with the rule."""
    portions = [seeds[begin : begin + _PORTION] for begin in range(0, len(seeds), _PORTION)]
    seen: Counter[str] = Counter()
    failed: list[tuple[int, str]] = []
    with ProcessPoolExecutor(processes) as pool:
        for happened, broken in pool.map(_play_portion, portions):
            seen.update(happened)
            failed += broken
    return seen, failed


def _play_portion(seeds: range) -> tuple[Counter[str], list[tuple[int, str]]]:
    os.environ.update(ENVIRONMENT)
    # Invocations of one function share their metrics when they interleave.
    warnings.filterwarnings("ignore", message="No application metrics to publish")
    seen: Counter[str] = Counter()
    handlers = load()
    rules = [(seed, play(seed, handlers, seen)) for seed in seeds]
    return seen, [(seed, rule) for seed, rule in rules if rule is not None]
