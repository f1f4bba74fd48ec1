"""Each rule with templates that break it and templates that do not."""

from pathlib import Path
from typing import Any

import pytest

from penstock.checks.judgement import SUPPRESSION_TITLES
from penstock.checks.registry import RULES
from penstock.template.yaml_text import parse_yaml
from tests.checks.templates import CLEAN, HERE, changed, found, judged

CASES = [(rule, case) for rule, cases in parse_yaml(HERE / "rules.yaml").items() for case in cases]


def test_clean_template_has_nothing_found(tmp_path: Path) -> None:
    """A template that does everything right passes every rule, though a value in it is unknown."""
    judgement = judged(CLEAN, tmp_path)

    assert judgement.findings == ()
    assert [line.partition(":")[0] for line in judgement.untold] == [
        "stack/ConsumerRole.Policies.0.PolicyDocument.Statement.Resource.Ref"
    ]


@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(CASES)])
def test_rule_finds_what_is_wrong_and_nothing_else(rule: str, case: dict[str, Any], tmp_path: Path) -> None:
    """A change breaks exactly the rules that it should; ``only`` looks at one of them."""
    judgement = judged(changed(case["change"]), tmp_path)

    only = case.get("only", "")
    assert [line for line in found(judgement) if line.startswith(only)] == case["found"]
    told = " | ".join(finding.evidence for finding in judgement.findings if finding.rule == rule)
    assert case.get("evidence", "") in told


def test_each_rule_has_a_template_that_breaks_it() -> None:
    """No rule is untested, and ids are in order and unique."""
    broken = [rule for rule, case in CASES if any(line.startswith(rule) for line in case["found"])]
    ids = [rule.id for rule in RULES]

    assert sorted(set(broken)) == ids == sorted(set(ids))
    assert not set(ids) & set(SUPPRESSION_TITLES)
