"""Who looks at the stacks at synth, beside the CDK itself.

Only `app.py` imports this module, and only when validation is on: the import alone takes longer than a synth may.
"""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, ServerlessChecks


def review(app: cdk.App) -> None:
    """Let the synth fail on every finding of cdk-nag that no construct has acknowledged with its reason."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
