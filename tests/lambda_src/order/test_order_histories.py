from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from effects.customer_orders_table import CustomerOrdersTable
from effects.fenced_table import FencedTable, Outcome
from effects.ordered_batch import OrderedBatchProcessor
from tests.lambda_src.order.campaign import ENVIRONMENT, EXPECTED, load, play
from tests.lambda_src.order.history import Handlers

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

SEEDS = 300
PORTION = 50


@pytest.fixture
def handlers(environment: None, monkeypatch: pytest.MonkeyPatch) -> Handlers:
    """The functions, wired anew by each history."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return load()


@pytest.mark.parametrize("first", range(0, SEEDS, PORTION))
def test_no_older_change_takes_effect_after_a_newer_one(handlers: Handlers, first: int) -> None:
    """Whatever fails, repeats, dies, comes late or overtakes: publications, orders and rows only go forward."""
    rules = {seed: play(seed, handlers, Counter()) for seed in range(first, first + PORTION)}

    assert {seed: rule for seed, rule in rules.items() if rule} == {}


def test_histories_are_rich(handlers: Handlers) -> None:
    """Everything that may go wrong does, in some of them."""
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        play(seed, handlers, seen)

    assert EXPECTED - set(seen) == set()


def _goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that goes on with a key after a failure, as Powertools' own does."""

    def process(self: OrderedBatchProcessor) -> list[Any]:
        return [_alone(self, record) for record in self.records]

    monkeypatch.setattr(OrderedBatchProcessor, "process", process)


def _alone(processor: OrderedBatchProcessor, record: Any) -> Any:
    try:
        prepared = processor._prepared(record)
        [error] = [None] if prepared is None else processor._performed([prepared])
    except (KeyError, ValueError) as unreadable:
        error = unreadable
    if error:
        return processor._failed(record, error)
    return processor.success_handler(record=DynamoDBRecord(record), result=None)


def _groups_do_not_mind_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that puts every record into a lane of its own."""
    monkeypatch.setattr("effects.ordered_batch._key", lambda record: record["eventID"])


def _throttled_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that takes any error for an answer about the row."""
    monkeypatch.setattr("effects.fenced_table._judge", lambda *_: Outcome.STALE)


def _duplicate_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that takes a row that is there for one that is newer."""
    answers = FencedTable._answers

    def hide(self: Any, group: Any) -> Any:
        found = answers(self, group)
        return [None if error and error["Code"] == "DuplicateItem" else error for error in found]

    monkeypatch.setattr(FencedTable, "_answers", hide)


def _first_message_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is folded to any of its rows instead of the newest."""
    replicate = CustomerOrdersTable.replicate

    def fold(self: Any, rows: Any, *, patience: Any) -> Any:
        kept = {row.key: row for row in rows}
        return replicate(self, [kept[row.key] for row in rows], patience=patience)

    monkeypatch.setattr(CustomerOrdersTable, "replicate", fold)


@pytest.mark.parametrize(
    "defect", [_goes_on, _groups_do_not_mind_keys, _throttled_is_stale, _duplicate_is_stale, _first_message_wins]
)
def test_planted_defect_is_noticed(
    handlers: Handlers, monkeypatch: pytest.MonkeyPatch, defect: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """Some history breaks a rule when the order is not kept."""
    defect(monkeypatch)

    assert any(play(seed, handlers, Counter()) for seed in range(SEEDS))
