"""What `penstock run` says of an application before anything happens."""

from dataclasses import replace
from pathlib import Path

from penstock.cli.run import function_lines, request_of
from penstock.template.models import Stage
from penstock.template.reader import load

APPLICATIONS = Path(__file__).parent.parent / "applications"


def test_functions_are_told_with_what_they_read_and_what_invokes_them() -> None:
    """A stream, a topic and a rule are named, each with the function that hears of them."""
    assert list(function_lines(load(APPLICATIONS / "inline_yaml" / "template.yaml"))) == [
        "StockCheckFunction reads the stream of InventoryTable",
        "ReorderFunction is invoked by the topic LowStockTopic",
        "SupplierFunction is invoked by the rule ReorderRule",
    ]


def test_schedule_is_told_with_that_it_never_fires() -> None:
    """A function that only a schedule invokes is not passed off as one that something will invoke here."""
    told = list(function_lines(load(APPLICATIONS.parent / "cli" / "scheduled.yaml")))

    assert told == ["Clean        is invoked by the rule Nightly (a schedule, which never fires here)"]


def test_functions_behind_a_queue_and_a_bucket_are_told_too() -> None:
    """A function that reads a queue and one that a bucket invokes are told as such."""
    told = "\n".join(function_lines(load(APPLICATIONS / "uploads" / "template.json")))

    assert "reads the queue" in told
    assert "is invoked by the bucket" in told


def test_line_of_curl_asks_what_there_is() -> None:
    """Where nothing can be got it posts; parameters stand there by their names, below a stage that is no default."""
    (api,) = load(APPLICATIONS.parent / "testing" / "parcels.yaml").apis
    (posted,) = api.routes
    stage = Stage(name="prod", variables={})
    for key, stages, words in (
        ("POST /parcels", api.stages, ["-X POST", "url/parcels"]),
        ("GET /parcels/{id}/{rest+}", (stage,), ["url/prod/parcels/id/rest"]),
        ("$default", api.stages, ["url/"]),
    ):
        assert list(request_of(replace(api, stages=stages), replace(posted, key=key), "url")) == words
