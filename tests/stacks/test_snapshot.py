"""The resources of each stage are those that were last looked at."""

import pytest

from stacks.settings import STAGES, settings_of
from tests.stacks.snapshot import FOLDER, resource_list, snapshot_of
from tests.stacks.synthesized import Synthesize


@pytest.mark.parametrize("stage", STAGES)
def test_resources_are_those_of_the_snapshot(synthesize: Synthesize, stage: str) -> None:
    """No resource came, went or changed its logical id without `make snapshot`, whose diff is then reviewed."""
    assert resource_list(synthesize(settings_of(stage))) == snapshot_of(stage).read_text(encoding="utf-8")


def test_snapshots_are_of_stages_that_exist() -> None:
    """A stage that is gone leaves no list behind."""
    assert {path.name for path in FOLDER.iterdir()} == {snapshot_of(stage).name for stage in STAGES}
