"""What a terminal shows beside the output: a bar or a few lines, colour where it is wanted."""

import io
import itertools

import pytest

from penstock.terminal import Paint, Progress, program


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_log_gets_four_lines_whatever_the_total() -> None:
    """Plain lines at each quarter."""
    stream = io.StringIO()
    progress = Progress(stream, quiet_seconds=0)
    progress.begin("orders posted", 310)
    for _ in range(310):
        progress.step()
    progress.say("waiting")

    assert stream.getvalue().splitlines() == [
        "orders posted: 78 of 310",
        "orders posted: 155 of 310",
        "orders posted: 233 of 310",
        "orders posted: 310 of 310",
        "waiting",
    ]


def test_log_of_a_short_count_has_a_line_each() -> None:
    """Fewer things than quarters."""
    stream = io.StringIO()
    progress = Progress(stream, quiet_seconds=0)
    progress.begin("orders posted", 2)
    progress.step()
    progress.step()

    assert stream.getvalue() == "orders posted: 1 of 2\norders posted: 2 of 2\n"


def test_terminal_gets_a_bar_that_ends_before_the_next_sentence() -> None:
    """The bar is drawn over itself, and what is said next has a line of its own."""
    stream = Terminal()
    progress = Progress(stream, quiet_seconds=0)
    progress.begin("orders posted", 4)
    for _ in range(4):
        progress.step()
    progress.say("waiting")

    drawn = stream.getvalue().split("\r")
    assert drawn[1] == "orders posted [----------------------------------------] 0/4"
    assert drawn[3] == "orders posted [####################--------------------] 2/4"
    assert drawn[5] == "orders posted [########################################] 4/4\nwaiting\n"


def test_nothing_to_count_is_no_error() -> None:
    """A file whose every invoice was withheld."""
    stream = Terminal()
    Progress(stream, quiet_seconds=0).begin("orders posted", 0)

    assert stream.getvalue().endswith("0/0")


def test_count_is_told_from_the_third_second_on() -> None:
    """What is counted within two seconds is not worth a word; a second a step, the quarters after that are told."""
    stream = io.StringIO()
    progress = Progress(stream, now=itertools.count().__next__)
    with progress.counting("cases", 8):
        for _ in range(8):
            progress.step()

    assert stream.getvalue().splitlines() == ["cases: 2 of 8", "cases: 4 of 8", "cases: 6 of 8", "cases: 8 of 8"]


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_quick_work_is_not_told(stream: io.StringIO) -> None:
    """Neither a terminal nor a log hears of what is over at once."""
    progress = Progress(stream)
    with progress.during("starting"):
        pass
    with progress.counting("cases", 1):
        progress.step()

    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("stream", "told"), [(io.StringIO(), "starting …\n"), (Terminal(), "starting …\r\x1b[K")], ids=["log", "terminal"]
)
def test_slow_work_is_named_and_leaves_no_trace_on_a_terminal(stream: io.StringIO, told: str) -> None:
    """A log gets one line without control characters; a terminal one that is erased at the end."""
    progress = Progress(stream, quiet_seconds=0)
    with progress.during("starting"):
        while not stream.getvalue():
            pass

    assert stream.getvalue() == told


@pytest.mark.parametrize(
    ("stream", "variables", "coloured"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(stream: io.StringIO, variables: dict[str, str], coloured: bool) -> None:
    """A log, NO_COLOR with a value, and a dumb terminal get plain text."""
    paint = Paint.of(stream, variables)

    assert [paint.good("a"), paint.doubtful("b"), paint.bad("c")] == (
        ["\x1b[32ma\x1b[0m", "\x1b[33mb\x1b[0m", "\x1b[31mc\x1b[0m"] if coloured else ["a", "b", "c"]
    )


@pytest.mark.parametrize(
    ("started_as", "words"),
    [
        ("/somewhere/bin/penstock", "penstock"),
        ("/somewhere/penstock/__main__.py", "python -m penstock"),
        ("/somewhere/pytest/__main__.py", "penstock"),
    ],
)
def test_program_is_called_as_the_user_called_it(monkeypatch: pytest.MonkeyPatch, started_as: str, words: str) -> None:
    """Advice repeats the words that work on this machine."""
    monkeypatch.setattr("sys.argv", [started_as])

    assert program() == words
