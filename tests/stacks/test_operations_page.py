"""The page for operators says of every alarm what the templates of both stages say."""

import re

import pytest

from docs.generate.operations import END, PAGE, alarm_paths, with_table
from tests.stacks.synthesized import Synthesized


@pytest.fixture(scope="module")
def page() -> str:
    """The page as it is."""
    return PAGE.read_text(encoding="utf-8")


def test_table_is_that_of_the_templates(page: str, dev: Synthesized, prod: Synthesized) -> None:
    """Names, thresholds of each stage, meaning and first step are generated, and fresh."""
    stages = {"dev": dev.pipeline["Resources"], "prod": prod.pipeline["Resources"]}

    assert with_table(page, stages) == page, "run `python -m docs.generate`"


def test_every_alarm_is_on_the_page(page: str, stage: Synthesized) -> None:
    """Each alarm of a stage stands in the table, and each composite's part in the list of who is told."""
    paths = alarm_paths(stage.pipeline["Resources"])

    assert [path for path in paths.values() if f"`{path}`" not in page] == []
    assert {path.partition("/")[0] for path in paths.values()} <= set(re.findall(r"`(\w+)`", page))


def test_alarms_that_the_text_names_exist(page: str, prod: Synthesized) -> None:
    """A runbook that sends somebody to an alarm sends them to one that is there."""
    text = page.partition(END)[2]
    named = set(re.findall(r"`((?:[A-Z]\w+/)+[A-Z]\w+)`", text))

    assert named
    assert named <= set(alarm_paths(prod.pipeline["Resources"]).values())


def test_price_of_the_alarms_is_right(page: str, dev: Synthesized, prod: Synthesized) -> None:
    """A tenth of a dollar for each metric, half of one for each composite alarm."""
    dollars = {}
    for name, stage in (("dev", dev), ("prod", prod)):
        alarms = stage.resources("AWS::CloudWatch::Alarm").values()
        watched = sum(sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1 for alarm in alarms)
        dollars[name] = 0.10 * watched + 0.50 * len(stage.resources("AWS::CloudWatch::CompositeAlarm"))

    assert f"cost {dollars['dev']:.2f} dollars a month in `dev` and {dollars['prod']:.2f} in `prod`" in page


def test_fails_when_the_marks_are_gone() -> None:
    """A page without room for the table is not silently left as it was."""
    with pytest.raises(ValueError, match="has lost its marks"):
        with_table("# Operations", {})
