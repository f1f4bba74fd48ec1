"""What one run of the demo came to: a table for a person, a document for a program, an exit code for both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from penstock.cloud.cloudwatch.alarms import AlarmVerdict
from penstock.cloud.faults.log import Strike
from penstock.demo.accounting import Account, Check, Finding
from penstock.demo.orders import NotSent
from penstock.runtime.tallies import FunctionTally, table_of
from penstock.terminal import Paint

WIDTH = 100
MAX_LISTED = 10
"""Of each kind of finding; ``--json`` lists all."""
TOP_OPERATIONS = 6

_LABEL = 15
_NUMBER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One finished run.

    ``calls`` are the AWS calls that passed the front door between the first order and the last effect: (caller,
    service, operation) → count. ``units`` is the capacity that those to DynamoDB consumed: (caller, table, ``read`` or
    ``write``) → units. ``functions`` is label → sums over the run. ``wall_seconds`` is from the start of the command;
    ``simulated_ms`` is what the application's clock went through. ``unused_grants`` is function, state machine or rule
    → what its role may do and did not (``dynamodb:GetItem on table/…``). ``fault_log`` is what struck, in order.
    ``assembly`` and ``orders_file`` are as the user named them.
    """

    account: Account
    seed: int
    wall_seconds: float
    simulated_ms: int
    calls: Mapping[tuple[str, str, str], int]
    unused_grants: Mapping[str, Sequence[str]]
    units: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    functions: Mapping[str, FunctionTally] = field(default_factory=dict)
    alarms: Sequence[AlarmVerdict] = ()
    fault_log: Sequence[Strike] = ()
    assembly: str
    orders_file: str

    @property
    def exit_code(self) -> int:
        """0 when all is accounted for, 1 when not, 2 when the file held nothing that could be sent."""
        if self.account.wrong:
            return 1
        return 0 if self.account.sent else 2

    def document(self) -> dict[str, object]:
        """For ``--json``; `FIELDS` says what each field means."""
        account = self.account
        return {
            "sent": account.sent,
            "accepted": account.accepted,
            "rejected": dict(account.rejected),
            "dead_lettered": account.dead_lettered,
            "not_sent": [asdict(refusal) for refusal in account.not_sent],
            "lost": _documents(account.lost),
            "double": _documents(account.double),
            "out_of_order": _documents(account.out_of_order),
            "unexplained": _documents(account.unexplained),
            "explained": _documents(account.explained),
            "faults": dict(account.tally.strikes),
            "value": {"orders": money(account.value.orders), "returns": money(account.value.returns)},
            "unused_grants": {bearer: list(granted) for bearer, granted in self.unused_grants.items()},
            "seed": self.seed,
            "wall_s": round(self.wall_seconds, 2),
            "calls": _nested((caller, f"{of}:{what}", count) for (caller, of, what), count in self.calls.items()),
            "units": _nested((caller, table, kind, units) for (caller, table, kind), units in self.units.items()),
            "functions": {label: asdict(tally) for label, tally in self.functions.items()},
            "alarms": [asdict(verdict) for verdict in self.alarms if verdict.in_alarm],
        }

    def table(self, paint: Paint = Paint()) -> str:  # noqa: B008 - frozen
        """For a person: plain text, at most `WIDTH` columns wide but for what findings quote."""
        blocks = [
            [f"penstock demo: {self.orders_file} through {self.assembly}, seed {self.seed}"],
            list(self._outcome()),
            list(self._effects()),
            list(self._faults()),
            table_of(self.functions),
            list(self._checks()),
            *self._listings(),
            [self._verdict(paint)],
        ]
        return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block)

    def _outcome(self) -> Iterator[str]:
        account, tally = self.account, self.account.tally
        yield _line("orders", "sent", account.sent)
        kinds = f"{_count(tally.orders, 'order')}, {_count(tally.returns, 'return')}; {_count(tally.guests, 'guest')}"
        yield _line("", "accepted", account.accepted, kinds)
        reasons = ", ".join(f"{count} {reason or 'without a reason'}" for reason, count in account.rejected.items())
        yield _line("", "rejected", sum(account.rejected.values()), reasons)
        yield _line("", "dead-lettered", account.dead_lettered)
        yield _line("", "not sent", len(account.not_sent), "rows that could not be read" if account.not_sent else "")
        yield _line("value", "orders", money(account.value.orders), "pounds")
        yield _line("", "returns", money(account.value.returns))

    def _effects(self) -> Iterator[str]:
        tally = self.account.tally
        repeated = f"and {tally.repeated_events} repeats" if tally.repeated_events else ""
        yield _line("effects", "events", tally.events, repeated)
        yield _line("", "customer rows", tally.customer_orders)
        again = f"{tally.repeated_notifications} of them repeats after a crash" if tally.repeated_notifications else ""
        yield _line("", "notifications", tally.notifications, again)
        taken = f"{tally.already_taken} of them found the order taken" if tally.already_taken else ""
        yield _line("", "executions", tally.executions, taken)
        yield _line("", "windows", tally.windows, "of statistics")
        total = sum(self.calls.values())
        yield _line("AWS calls", "all", total)
        if self.account.sent:
            yield _line("", "per order", f"{total / self.account.sent:.2f}")
            yield from self._operations()
            yield from self._capacity("write")
            yield from self._capacity("read")
        yield _line("time", "wall", f"{self.wall_seconds:.1f} s")
        yield _line("", "simulated", _duration(self.simulated_ms))

    def _faults(self) -> Iterator[str]:
        strikes = self.account.tally.strikes
        if strikes:
            yield _line("faults", "struck", sum(strikes.values()))
        for kind, count in strikes.items():
            yield _line("", "", count, kind)

    def _operations(self) -> Iterator[str]:
        operations: Counter[str] = Counter()
        for (_, service, operation), count in self.calls.items():
            operations[f"{service}:{operation}"] += count
        for name, count in operations.most_common(TOP_OPERATIONS):
            yield _line("", "", f"{count / self.account.sent:.2f}", name)

    def _capacity(self, kind: str) -> Iterator[str]:
        units: Counter[str] = Counter()
        for (caller, _, of), number in self.units.items():
            if of == kind:
                units[caller] += number  # type: ignore[assignment]  # Counter knows no numbers but int
        if units:
            yield _line(f"{kind} units", "all", f"{units.total():g}")
            yield _line("", "per order", f"{units.total() / self.account.sent:.2f}")
        for caller, number in units.most_common():
            yield _line("", "", f"{number / self.account.sent:.2f}", caller)

    def _checks(self) -> Iterator[str]:
        wrong = Counter(finding.check for finding in self.account.wrong)
        explained = Counter(finding.check for finding in self.account.explained)
        for check, question in _QUESTIONS.items():
            answer = f"{wrong[check]} wrong" if wrong[check] else "ok"
            noted = f", {explained[check]} explained" if explained[check] else ""
            yield f"{question:<76}{answer}{noted}"

    def _listings(self) -> Iterator[list[str]]:
        account = self.account
        for title, findings in (
            ("lost", account.lost),
            ("double", account.double),
            ("out of order", account.out_of_order),
            ("unexplained", account.unexplained),
            ("explained", account.explained),
        ):
            yield _listing(title, [f"{each.check} {each.subject}: {each.what}" for each in findings])
        unused = [f"{bearer}: {each}" for bearer, granted in self.unused_grants.items() for each in granted]
        yield _listing("grants never used", unused)
        went_off = [verdict for verdict in self.alarms if verdict.in_alarm]
        yield _listing("alarms", [f"{each.label}: {each.metric} at {each.value:g}" for each in went_off])
        yield _listing("not sent", [f"line {each.line}: {each.reason}" for each in account.not_sent])

    def _verdict(self, paint: Paint) -> str:
        account = self.account
        if account.wrong:
            counts = (
                (len(account.lost), "lost"),
                (len(account.double), "double"),
                (len(account.out_of_order), "out of order"),
                (len(account.unexplained), "unexplained"),
            )
            said = f"NOT ACCOUNTED FOR: {', '.join(f'{count} {name}' for count, name in counts if count)}."
        elif not account.sent:
            said = f"NOTHING SENT: no invoice of {self.orders_file} could be read."
        else:
            said = "ALL ACCOUNTED FOR: nothing lost, double, out of order or unexplained."
        return paint.bad(said) if self.exit_code else paint.good(said)


_QUESTIONS = {
    Check.ORDERS: "(a) each order has the status and the totals recomputed from the file",
    Check.CUSTOMER_ORDERS: "(b) one row per accepted order of a customer, at the order's version",
    Check.STATISTICS: "(c) the windows count each accepted order once",
    Check.NOTIFICATIONS: "(d) one notification per acceptance and rejection",
    Check.EXECUTIONS: "(e) one execution per accepted order did its work and shipped",
    Check.EVENTS: "(f) the versions of each order left in rising order",
    Check.LEFTOVERS: "(g) queues, dead-letter queues and failure bucket are empty",
    Check.FAULTS: "(h) every kind of fault that was planned struck",
}


_LISTS = {
    "lost": "an order, or an effect of one, that is missing",
    "double": "an effect that happened more than once",
    "out_of_order": "an effect of an older version after one of a newer",
    "unexplained": "anything else that is not as recomputed from the file",
    "explained": "a repeat that a crash on record accounts for",
}
_TALLY = {
    "invocations": "how many ran",
    "errors": "how many of them failed",
    "throttles": "how many did not run",
    "cold_starts": "how many began with an Init phase",
    "records": "records handed over, each attempt again",
    "calls": "AWS calls, those of Init phases included",
    "read_units": "read units that its calls consumed",
    "write_units": "write units that its calls consumed",
}

FIELDS: Mapping[str, str] = {
    "sent": "invoices posted as orders",
    "accepted": "orders accepted",
    "rejected.<reason>": "orders rejected for a reason",
    "dead_lettered": "orders that ended in a dead-letter queue, as planned",
    "not_sent[].line": "the line of a row that could not be read; its invoice is withheld",
    "not_sent[].reason": "why",
    **{
        f"{name}[].{field}": meaning
        for name, about in _LISTS.items()
        for field, meaning in (
            ("check", f"{about}; the part of the accounting that found it: {', '.join(Check)}"),
            ("subject", "an order id, or the name of a queue, window or execution"),
            ("what", "what is wrong with it, a sentence"),
        )
    },
    "faults.<kind>": "how often a kind of fault struck",
    "value.orders": "worth of the orders, in pounds, decimal text with at least two places",
    "value.returns": "worth of the returns, likewise",
    "unused_grants.<bearer>[]": "what the role of a function, state machine or rule may do and did not",
    "seed": "the seed of the run",
    "wall_s": "seconds that the command took",
    "calls.<caller>.<service:operation>": "AWS calls from the first order to the last effect",
    "units.<caller>.<table>.read": "read units that the calls to a table consumed",
    "units.<caller>.<table>.write": "write units, likewise",
    **{f"functions.<label>.{field}": meaning for field, meaning in _TALLY.items()},
    "alarms[].logical_id": "an alarm that would have gone off",
    "alarms[].label": "its construct path, else its logical id",
    "alarms[].in_alarm": "always true",
    "alarms[].metric": "what it watches",
    "alarms[].value": "the metric in the period that raised it",
    "alarms[].at_ms": "when that period began, in milliseconds on the application's clock",
    "alarms[].description": "what the alarm says of itself",
}
"""The fields of the document, by path (`penstock.cli.fields` has the notation)."""


def money(amount: Decimal) -> str:
    """Pounds as decimal text with at least two places."""
    exponent = amount.as_tuple().exponent
    return format(amount, "f") if isinstance(exponent, int) and exponent < -2 else format(amount, ".2f")


def _line(group: str, name: str, number: object, note: str = "") -> str:
    return f"{group:<{_LABEL}}{name:<{_LABEL}}{number!s:>{_NUMBER}}   {note}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _duration(milliseconds: int) -> str:
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s" if round(milliseconds / 1000, 1) >= 60 else f"{milliseconds / 1000:.1f} s"


def _listing(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - MAX_LISTED} more; --json lists all"] if len(lines) > MAX_LISTED else []
    return [f"{title} ({len(lines)})", *(f"  {line}" for line in lines[:MAX_LISTED]), *more]


def _documents(findings: Iterable[Finding | NotSent]) -> list[dict[str, object]]:
    return [asdict(finding) for finding in findings]


def _nested(rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    """Rows of keys with a value at the end, as objects within objects."""
    nested: dict[str, Any] = {}
    for *keys, last, value in rows:
        inner = nested
        for key in keys:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return nested
