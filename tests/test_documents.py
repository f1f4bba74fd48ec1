"""What the documents say is there is there."""

import re
from pathlib import Path

import pytest

from penstock.cli import SUBCOMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link of a page names a file or folder of the repository."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    """Each make target and each subcommand that a page names exists."""
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(re.findall(r"^\$ make ([a-z-]+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"(?:python -m |`|^\$ )penstock ([a-z]+)", text, re.MULTILINE)) <= set(SUBCOMMANDS)


@pytest.mark.parametrize(
    "subject",
    [
        *("validate, enrich", "notify", "workflow", "aggregate", "sync a read model", "API"),
        *("batching", "filtering", "concurrency", "dead letters", "capacity", "cold start", "monitoring"),
    ],
)
def test_readme_maps_patterns_and_settings_to_files(subject: str) -> None:
    """Whoever looks for a pattern or a setting is led to two files at least, each of them there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {re.escape(subject)} \|(.*)$", readme, re.MULTILINE)
    files = re.findall(r"\]\(([^)]+)\)", row)

    assert len(files) >= 2
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_generated_page_is_fresh() -> None:
    """The page on event source mappings says what the code says of itself today."""
    from docs.generate.event_source_mapping import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m docs.generate`"


def test_generated_tables_are_fresh() -> None:
    """The tables of the page on idempotency are those of the kept figures, and every table is on the page."""
    from benchmarks.ladder.tables import TABLES
    from docs.generate.idempotency import PAGE, page

    text = PAGE.read_text(encoding="utf-8")

    assert text == page(), "run `python -m docs.generate`"
    assert sorted(re.findall(r"<!-- table: (\w+) -->", text)) == sorted(TABLES)


def test_each_rule_has_its_page() -> None:
    """The page on checks has every rule under the anchor that a finding names, and says what the rules say today."""
    from docs.generate.checks import PAGE, page
    from penstock.checks.judgement import SUPPRESSION_TITLES
    from penstock.checks.registry import RULES

    text = PAGE.read_text(encoding="utf-8")

    assert text == page(), "run `python -m docs.generate`"
    assert re.findall(r"^### (PS\d+)$", text, re.MULTILINE) == [rule.id for rule in RULES]
    assert all(f"- {rule}: " in text for rule in SUPPRESSION_TITLES)


def test_each_command_has_its_page() -> None:
    """The page on the command line says what the parsers say today: every command, argument and JSON field."""
    from docs.generate import cli

    text = cli.PAGE.read_text(encoding="utf-8")

    assert text == cli.page(), "run `python -m docs.generate`"
    assert re.findall(r"^## penstock (\w+)$", text, re.MULTILINE) == list(SUBCOMMANDS)
    assert not re.search(r"^\| `[^`]+` \|  \|$", text, re.MULTILINE), "an argument or a field without a word about it"


def test_makefile_help_names_every_target() -> None:
    """`make` lists whatever a person may call."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    helped = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))

    assert phony - helped == {"lint", "types"}
