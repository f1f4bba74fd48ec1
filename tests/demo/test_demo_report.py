"""The report: a table within 100 columns, a document with the promised keys, an exit code."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from penstock.cloud.cloudwatch.alarms import AlarmVerdict
from penstock.demo.accounting import Account, Check, Finding, Tally, Value
from penstock.demo.orders import NotSent
from penstock.demo.report import FIELDS, WIDTH, Report, money
from penstock.runtime.tallies import FunctionTally
from penstock.terminal import Paint
from tests.cli.field_paths import undescribed, unused

ACCOUNT = Account(
    sent=310,
    accepted=298,
    rejected={"negative-quantity-on-order": 2, "no-value": 10},
    dead_lettered=0,
    not_sent=(),
    lost=(),
    double=(),
    out_of_order=(),
    unexplained=(),
    explained=(),
    value=Value(orders=Decimal("106709.17"), returns=Decimal("-1866.33")),
    tally=Tally(
        orders=269,
        returns=29,
        guests=11,
        customer_orders=287,
        windows=3,
        notifications=310,
        executions=269,
        already_taken=0,
        events=1158,
        repeated_events=0,
        repeated_notifications=0,
        strikes={"response-lost": 2, "throttle": 3},
    ),
)
REPORT = Report(
    account=ACCOUNT,
    seed=1,
    wall_seconds=21.346,
    simulated_ms=128_000,
    calls={
        ("api", "dynamodb", "PutItem"): 310,
        ("enrich", "dynamodb", "UpdateItem"): 310,
        ("relay", "events", "PutEvents"): 31,
    },
    unused_grants={"enrich": ["dynamodb:DeleteItem on table/Idempotency"]},
    units={
        ("api", "Orders", "write"): 320.0,
        ("enrich", "Orders", "write"): 310.0,
        ("enrich", "Orders", "read"): 155.0,
    },
    functions={
        "api": FunctionTally(invocations=310, cold_starts=1, records=310, calls=310, write_units=320.0),
        "enrich": FunctionTally(
            invocations=40,
            errors=2,
            throttles=1,
            cold_starts=2,
            records=310,
            calls=341,
            read_units=155,
            write_units=310,
        ),
    },
    alarms=(
        AlarmVerdict(logical_id="Late", label="Late", in_alarm=False),
        AlarmVerdict(
            logical_id="Depth",
            label="Queue/Depth",
            in_alarm=True,
            metric="AWS/SQS Approximate…",
            value=2.0,
            at_ms=1,
            description="d",
        ),
    ),
    assembly="cdk.out",
    orders_file="online_retail.csv",
)
LOST = Finding(check=Check.ORDERS, subject="536365", what="is PLACED and stays so")


def tally(**sums: float) -> dict[str, float]:
    """A function's sums as the document has them."""
    names = ("invocations", "errors", "throttles", "cold_starts", "records", "calls", "read_units", "write_units")
    return dict.fromkeys(names, 0) | sums


def test_table_of_a_settled_run() -> None:
    """What a person reads after make demo."""
    assert (
        REPORT.table()
        == """\
penstock demo: online_retail.csv through cdk.out, seed 1

orders         sent                    310
               accepted                298   269 orders, 29 returns; 11 guests
               rejected                 12   2 negative-quantity-on-order, 10 no-value
               dead-lettered             0
               not sent                  0
value          orders            106709.17   pounds
               returns            -1866.33

effects        events                 1158
               customer rows           287
               notifications           310
               executions              269
               windows                   3   of statistics
AWS calls      all                     651
               per order              2.10
                                      1.00   dynamodb:PutItem
                                      1.00   dynamodb:UpdateItem
                                      0.10   events:PutEvents
write units    all                     630
               per order              2.03
                                      1.03   api
                                      1.00   enrich
read units     all                     155
               per order              0.50
                                      0.50   enrich
time           wall                 21.3 s
               simulated         2 min 8 s

faults         struck                    5
                                         2   response-lost
                                         3   throttle

function       invocations  errors  throttles  cold  records  calls/record  write/rec.   read/rec.
api                    310       0          0     1      310         1.000       1.032       0.000
enrich                  40       2          1     2      310         1.100       1.000       0.500

(a) each order has the status and the totals recomputed from the file       ok
(b) one row per accepted order of a customer, at the order's version        ok
(c) the windows count each accepted order once                              ok
(d) one notification per acceptance and rejection                           ok
(e) one execution per accepted order did its work and shipped               ok
(f) the versions of each order left in rising order                         ok
(g) queues, dead-letter queues and failure bucket are empty                 ok
(h) every kind of fault that was planned struck                             ok

grants never used (1)
  enrich: dynamodb:DeleteItem on table/Idempotency

alarms (1)
  Queue/Depth: AWS/SQS Approximate… at 2

ALL ACCOUNTED FOR: nothing lost, double, out of order or unexplained."""
    )


def test_findings_are_listed_and_fail_the_run() -> None:
    """Each kind has its list, long ones are cut, and the verdict counts all."""
    account = replace(
        ACCOUNT,
        lost=(LOST,) * 12,
        explained=(Finding(check=Check.EXECUTIONS, subject="536366", what="found it taken"),),
        not_sent=(NotSent(line=7, reason="Quantity 'six' is not a whole number"),),
    )
    report = replace(REPORT, account=account)

    table = report.table()
    assert "each order has the status and the totals recomputed from the file       12 wrong" in table
    assert "lost (12)\n  orders 536365: is PLACED and stays so\n" in table
    assert "  and 2 more; --json lists all" in table
    assert "explained (1)\n  executions 536366: found it taken" in table
    assert "not sent (1)\n  line 7: Quantity 'six' is not a whole number" in table
    assert table.endswith("NOT ACCOUNTED FOR: 12 lost.")
    assert report.exit_code == 1


@pytest.mark.parametrize("kind", ["lost", "double", "out_of_order", "unexplained"])
def test_each_kind_of_defect_fails_the_run(kind: str) -> None:
    """One finding of any of the four is enough."""
    defect: dict[str, Any] = {kind: (LOST,)}

    assert replace(REPORT, account=replace(ACCOUNT, **defect)).exit_code == 1


def test_what_is_explained_or_not_sent_does_not_fail_the_run() -> None:
    """Dirt in the file and repeats that changed nothing are told, not punished."""
    account = replace(ACCOUNT, explained=(LOST,), not_sent=(NotSent(line=7, reason="why"),))

    assert replace(REPORT, account=account).exit_code == 0


def test_run_that_sent_nothing_is_a_usage_error() -> None:
    """A file whose every invoice was withheld is the wrong file."""
    report = replace(REPORT, account=replace(ACCOUNT, sent=0, accepted=0, rejected={}))

    assert report.exit_code == 2
    assert report.table().endswith("NOTHING SENT: no invoice of online_retail.csv could be read.")


def test_document_has_the_promised_keys() -> None:
    """The shape that programs rely on, ready for JSON."""
    account = replace(ACCOUNT, lost=(LOST,), not_sent=(NotSent(line=7, reason="why"),))

    assert json.loads(json.dumps(replace(REPORT, account=account).document())) == {
        "sent": 310,
        "accepted": 298,
        "rejected": {"negative-quantity-on-order": 2, "no-value": 10},
        "dead_lettered": 0,
        "not_sent": [{"line": 7, "reason": "why"}],
        "lost": [{"check": "orders", "subject": "536365", "what": "is PLACED and stays so"}],
        "double": [],
        "out_of_order": [],
        "unexplained": [],
        "explained": [],
        "faults": {"response-lost": 2, "throttle": 3},
        "value": {"orders": "106709.17", "returns": "-1866.33"},
        "unused_grants": {"enrich": ["dynamodb:DeleteItem on table/Idempotency"]},
        "seed": 1,
        "wall_s": 21.35,
        "calls": {
            "api": {"dynamodb:PutItem": 310},
            "enrich": {"dynamodb:UpdateItem": 310},
            "relay": {"events:PutEvents": 31},
        },
        "units": {"api": {"Orders": {"write": 320.0}}, "enrich": {"Orders": {"write": 310.0, "read": 155.0}}},
        "functions": {
            "api": tally(invocations=310, cold_starts=1, records=310, calls=310, write_units=320.0),
            "enrich": tally(
                invocations=40,
                errors=2,
                throttles=1,
                cold_starts=2,
                records=310,
                calls=341,
                read_units=155,
                write_units=310,
            ),
        },
        "alarms": [
            {
                "logical_id": "Depth",
                "label": "Queue/Depth",
                "in_alarm": True,
                "metric": "AWS/SQS Approximate…",
                "value": 2.0,
                "at_ms": 1,
                "description": "d",
            }
        ],
    }


def test_each_field_of_the_document_is_described() -> None:
    """What programs find is described, whatever was found wrong; nothing else is."""
    found = (LOST,)
    wrong = replace(ACCOUNT, lost=found, double=found, out_of_order=found, unexplained=found, explained=found)
    account = replace(wrong, not_sent=(NotSent(line=7, reason="why"),))
    document = json.loads(json.dumps(replace(REPORT, account=account).document()))

    assert undescribed(document, FIELDS) == set()
    assert unused([document], FIELDS) == set()


def test_table_is_plain_and_narrow_unless_on_a_terminal() -> None:
    """At most 100 columns, and no colour but for the verdict where it is asked for."""
    assert max(map(len, REPORT.table().splitlines())) <= WIDTH
    assert "\x1b" not in REPORT.table()
    assert REPORT.table(Paint(coloured=True)).splitlines()[-1].startswith("\x1b[32mALL ACCOUNTED FOR")


@pytest.mark.parametrize(
    ("simulated_ms", "text"), [(0, "0.0 s"), (59_940, "59.9 s"), (59_960, "1 min 0 s"), (119_700, "2 min 0 s")]
)
def test_simulated_time_is_told_in_minutes_and_seconds(simulated_ms: int, text: str) -> None:
    """No line says 60 seconds."""
    line = next(line for line in replace(REPORT, simulated_ms=simulated_ms).table().splitlines() if "simulated" in line)

    assert line.split(maxsplit=1)[1] == text


@pytest.mark.parametrize(
    ("amount", "text"), [("0", "0.00"), ("15.3", "15.30"), ("-4.65", "-4.65"), ("0.001", "0.001"), ("1E+3", "1000.00")]
)
def test_money_has_at_least_two_places(amount: str, text: str) -> None:
    """Pounds and pence, and thousandths where a price has them."""
    assert money(Decimal(amount)) == text
