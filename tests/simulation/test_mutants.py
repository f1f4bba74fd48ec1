"""The simulation can fail: each defect planted into the core is found within a few worlds, told and made small."""

from __future__ import annotations

import pytest

from tests.simulation.__main__ import main
from tests.simulation.campaign import retell
from tests.simulation.mutants import MUTANTS
from tests.simulation.world import draw, play

SEEDS = 300
"""Within so many worlds every mutant is found; most within twenty."""


def first_failing() -> int:
    """Give the first seed whose world breaks a rule."""
    return next(seed for seed in range(SEEDS) if play(draw(seed)).failure)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_defect_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world breaks a rule, where none does without the defect."""
    MUTANTS[name](monkeypatch)

    assert any(play(draw(seed), check_every=64).failure for seed in range(SEEDS)), f"not found: {name}"


def test_a_failing_world_is_told_and_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule, a world of a few records that breaks it too, its story, and the command that plays it again."""
    MUTANTS["bisect takes the right half first"](monkeypatch)
    seed = first_failing()

    told = retell(draw(seed))

    assert told[0] == f"seed {seed}: a batch is made of the right records"
    assert told[2] == "  stream, 2 records, 1 shards"
    assert any("bisects 2 records" in line for line in told)
    assert told[-1] == f"play it again: python -m tests.simulation --seed {seed}"


def test_a_run_with_failures_names_them_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 1; a few are told, the others named with their commands."""
    MUTANTS["the checkpoint stays with several lanes"](monkeypatch)
    seed = first_failing()

    assert main(["--seeds", "40"]) == 1
    printed = capsys.readouterr().out
    assert f"play it again: python -m tests.simulation --seed {seed}\n" in printed
    assert "failed too: python -m tests.simulation --seed " in printed
    assert main(["--seed", str(seed)]) == 1


def test_a_run_without_failures_prints_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of happenings, then worlds, inputs and pace; a single seed tells its plan."""
    assert main(["--seeds", "10"]) == 0
    printed = capsys.readouterr().out
    assert "%  bisect\n" in printed
    assert "10 worlds, " in printed
    assert main(["--seed", "1"]) == 0
    assert "nothing fails; seen:" in capsys.readouterr().out
