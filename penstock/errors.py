"""Every exception of the tool, sorted by who must act.

::

    PenstockError
    ├── TemplateError        the user, on the template: logical id, property, what is supported
    │   └── InvalidPattern   a filter or event pattern, with place and reason (penstock.mapping.filters)
    ├── UsageError           the user, on the command line
    ├── EnvironmentProblem   whoever keeps this machine: a port, a disk, a missing program
    │   └── NobodyAnswers    no DynamoDB endpoint at the URL given (penstock.cloud.external_tables.endpoint)
    └── BrokenInvariant      us: carries the story and asks for it

Each message ends with what to try. Exit codes: 0 done, 1 could not, 2 usage.
"""

from __future__ import annotations

from collections.abc import Sequence


class PenstockError(Exception):
    """Root of all that this tool raises on purpose."""

    exit_code = 1


class TemplateError(PenstockError):
    """The template asks for what is wrong or not supported; the user mends the template."""

    def __init__(self, problem: str, *, logical_id: str = "", property_path: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.logical_id = logical_id
        self.property_path = property_path
        self.remedy = remedy
        place = ".".join(part for part in (logical_id, property_path) if part)
        head = f"{place}: {problem}" if place else problem
        super().__init__(f"{head}; {remedy}" if remedy else head)


class UsageError(PenstockError):
    """The command line cannot be carried out as given; the user changes it."""

    exit_code = 2


class EnvironmentProblem(PenstockError):
    """Something on this machine stands in the way; the message names it and the way out."""


class BrokenInvariant(PenstockError):
    """The tool contradicts itself; the story tells how it came to that."""

    def __init__(self, statement: str, story: Sequence[str] = ()) -> None:
        self.statement = statement
        self.story = tuple(story)
        told = "\n".join(f"  {line}" for line in self.story)
        super().__init__(f"{statement}\n{told}\nThis is a defect of penstock: please report it with the lines above.")
