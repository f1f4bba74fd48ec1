import json
from decimal import Decimal

from orders.order import Kind
from orders.statistics import WindowStatistics, statistics_document
from orders.tally import Figures, Tally, tally_from

FIGURES = Figures(count=1, items=40, value=Decimal("139.12"))


def test_tally_survives_its_state() -> None:
    """The state is JSON with money as text, and reads back the same."""
    tally = Tally().seen("9").count(Kind.ORDER, FIGURES).count(Kind.RETURN, FIGURES).count_bad()

    assert tally_from(json.loads(json.dumps(tally.state()))) == tally


def test_empty_state_is_an_empty_tally() -> None:
    """The first call of a window begins from nothing."""
    assert tally_from({}) == Tally()
    assert Tally().is_empty


def test_first_sequence_number_is_the_smallest_number() -> None:
    """Sequence numbers are compared as numbers, since text would put 10 before 9."""
    tally = Tally().seen("1000000000000000000001").seen("900000000000000000002").seen("1000000000000000000003")

    assert tally.first_sequence_number == "900000000000000000002"


def test_orders_and_returns_are_counted_apart() -> None:
    """Each kind has figures of its own."""
    tally = Tally().count(Kind.ORDER, FIGURES).count(Kind.ORDER, FIGURES)

    assert tally.orders == Figures(count=2, items=80, value=Decimal("278.24"))
    assert tally.returns == Figures()


def test_statistics_add_up_the_shards_of_a_window() -> None:
    """The rows of one window are one window to a reader, and the totals are over all."""
    tally = Tally().seen("1").count(Kind.ORDER, FIGURES)
    later, earlier = "2010-12-01T08:27:00Z", "2010-12-01T08:26:00Z"

    def row(start: str, end: str, shard_id: str) -> WindowStatistics:
        return WindowStatistics(window_start=start, window_end=end, shard_id=shard_id, tally=tally)

    document = statistics_document([row(later, "z", "s1"), row(earlier, later, "s1"), row(earlier, later, "s2")])

    assert [(window["windowStart"], window["order"]["count"]) for window in document["windows"]] == [
        (earlier, 2),
        (later, 1),
    ]
    assert document["totals"]["order"] == {"count": 3, "items": 120, "value": "417.36"}
    assert document["totals"]["return"] == {"count": 0, "items": 0, "value": "0.00"}


def test_row_is_named_by_window_shard_and_first_record() -> None:
    """The name of a row is the same however often the window is written."""
    row = WindowStatistics(
        window_start="2010-12-01T08:26:00Z", window_end="2010-12-01T08:27:00Z", shard_id="s1", tally=Tally().seen("7")
    )

    assert (row.day, row.window) == ("2010-12-01", "2010-12-01T08:26:00Z#s1#7")


def test_state_stays_small() -> None:
    """However many records a window folds: far below the 1 MB that Lambda takes, and passes on with each call."""
    most = Figures(count=10**12, items=-(10**15), value=Decimal("9" * 37 + ".9"))
    tally = Tally(orders=most, returns=most, bad_records=10**12, first_sequence_number="9" * 40)

    assert len(json.dumps(tally.state())) < 512
