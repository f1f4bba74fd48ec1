"""The API as a test asks it: what it refuses, and whom."""

from pathlib import Path

import pytest

from penstock.application import Application
from penstock.errors import TemplateError, UsageError
from penstock.testing import ApplicationUnderTest
from penstock.testing.plugin import Session

WITHOUT_API = Path(__file__).parent.parent / "story" / "poison.yaml"


def test_fails_when_the_template_has_no_api() -> None:
    """Its tables and queues can be tested all the same; who asks is told what is missing."""
    with Application.start(WITHOUT_API, clock="jumping") as running:
        api = ApplicationUnderTest(running, {}).api

        with pytest.raises(TemplateError, match=r"no AWS::ApiGatewayV2::Api in this template"):
            api.get("/jobs")


@pytest.mark.parametrize("path", ["parcels", ""])
def test_fails_when_a_path_does_not_begin_with_a_slash(session: Session, path: str) -> None:
    """The path that was meant is told."""
    with pytest.raises(UsageError, match=f"'{path}' does not begin with a slash; give one such as /{path}$"):
        session.begin("asks for no path").api.get(path)
