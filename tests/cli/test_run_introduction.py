"""What `penstock run` says of an application before anything happens."""

from pathlib import Path

from penstock.cli.run import function_lines
from penstock.template.reader import load

APPLICATIONS = Path(__file__).parent.parent / "applications"


def test_functions_are_told_with_what_they_read_and_what_invokes_them() -> None:
    """A stream, a topic and a rule are named, each with the function that hears of them."""
    assert list(function_lines(load(APPLICATIONS / "inline_yaml" / "template.yaml"))) == [
        "StockCheckFunction reads the stream of InventoryTable",
        "ReorderFunction is invoked by the topic LowStockTopic",
        "SupplierFunction is invoked by the rule ReorderRule",
    ]


def test_functions_behind_a_queue_and_a_bucket_are_told_too() -> None:
    """A function that reads a queue and one that a bucket invokes are told as such."""
    told = "\n".join(function_lines(load(APPLICATIONS / "uploads" / "template.json")))

    assert "reads the queue" in told
    assert "is invoked by the bucket" in told
