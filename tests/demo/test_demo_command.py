"""The subcommand: what it takes, and what it refuses before anything is started."""

import argparse
from pathlib import Path

import pytest

from penstock.cli import demo
from penstock.errors import TemplateError, UsageError


def parse(*words: str) -> argparse.Namespace:
    """The arguments of ``penstock demo`` with these words."""
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    return parser.parse_args(words)


def test_everything_has_a_default() -> None:
    """``penstock demo`` alone is the whole demo."""
    assert vars(parse()) == {
        "path": Path("cdk.out"),
        "orders": None,
        "limit": None,
        "seed": 1,
        "no_faults": False,
        "faults": None,
        "dynamodb_endpoint": None,
        "json": False,
    }


def test_options_are_taken() -> None:
    """Each option reaches its place."""
    url = "http://127.0.0.1:8000"

    arguments = parse(
        "out", "--orders", "o.csv", "--limit", "5", "--seed", "-7", "--dynamodb-endpoint", url, "--json", "--no-faults"
    )

    assert vars(arguments) == {
        "path": Path("out"),
        "orders": Path("o.csv"),
        "limit": 5,
        "seed": -7,
        "no_faults": True,
        "faults": None,
        "dynamodb_endpoint": url,
        "json": True,
    }


def test_fails_when_faults_are_given_and_switched_off(capsys: pytest.CaptureFixture[str]) -> None:
    """A script and none at all exclude each other."""
    with pytest.raises(SystemExit):
        parse("--no-faults", "--faults", "f.json")

    assert "not allowed with argument" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_fails_when_the_limit_is_no_count(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error with exit code 2."""
    with pytest.raises(SystemExit) as exit_:
        parse(f"--limit={limit}")

    assert exit_.value.code == 2
    assert "give" in capsys.readouterr().err


def test_fails_when_the_orders_file_is_missing() -> None:
    """The orders are read before anything is started."""
    with pytest.raises(UsageError, match=r"nowhere\.csv"):
        demo.main(parse("--orders", "nowhere.csv"))


def test_first_line_of_the_module_is_its_help() -> None:
    """One sentence that stands alone."""
    first = (demo.__doc__ or "").splitlines()[0]

    assert first.endswith(".")
    assert len(first) <= 100


def test_fails_when_the_application_is_another(tmp_path: Path) -> None:
    """Whatever goes wrong on purpose there, the template is refused first, with the command that runs it."""
    template = tmp_path / "template.json"
    template.write_text('{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}')

    with pytest.raises(TemplateError, match=r"no Output NotificationTopicArn.*use `penstock run`"):
        demo.main(parse(str(template)))
