"""Synthesizes each stage once a session, without bundling, and each variant of a stage at its first use."""

import pytest

from stacks.settings import settings_of
from stacks.stage_settings import StageSettings
from tests.stacks.synthesized import Synthesize, Synthesized, synthesize_anew


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesizes settings, each only once."""
    known: dict[StageSettings, Synthesized] = {}

    def synthesized(settings: StageSettings) -> Synthesized:
        if settings not in known:
            known[settings] = synthesize_anew(settings, tmp_path_factory.mktemp("cdk.out"))
        return known[settings]

    return synthesized


@pytest.fixture(scope="session", params=["dev", "prod"])
def stage(request: pytest.FixtureRequest, synthesize: Synthesize) -> Synthesized:
    """Each stage in turn."""
    return synthesize(settings_of(request.param))


@pytest.fixture(scope="session")
def dev(synthesize: Synthesize) -> Synthesized:
    """The stage ``dev``."""
    return synthesize(settings_of("dev"))


@pytest.fixture(scope="session")
def prod(synthesize: Synthesize) -> Synthesized:
    """The stage ``prod``."""
    return synthesize(settings_of("prod"))
