"""Progress: a bar for a terminal, a few lines for a log."""

import io

from penstock.demo.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_log_gets_four_lines_whatever_the_total() -> None:
    """Plain lines at each quarter."""
    stream = io.StringIO()
    progress = Progress(stream)
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
    progress = Progress(stream)
    progress.begin("orders posted", 2)
    progress.step()
    progress.step()

    assert stream.getvalue() == "orders posted: 1 of 2\norders posted: 2 of 2\n"


def test_terminal_gets_a_bar_that_ends_before_the_next_sentence() -> None:
    """The bar is drawn over itself, and what is said next has a line of its own."""
    stream = Terminal()
    progress = Progress(stream)
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
    Progress(stream).begin("orders posted", 0)

    assert stream.getvalue().endswith("0/0")
