"""The environment variables of a worker process: what Lambda sets, what the function asks for, nothing else."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from penstock.template.models import Function


def variables_of(
    function: Function,
    *,
    version: str,
    runtime_directory: Path,
    provided: Mapping[str, str],
    now_ms: int,
) -> dict[str, str]:
    """Name → value for a new execution environment, but for the address of its Runtime API.

    ``provided`` is what belongs to this application: the role's credentials and ``AWS_ENDPOINT_URL``; it wins over
    everything. Lambda's reserved variables win over the function's own, its defaults do not.

    Source: *Using Lambda environment variables*, defined runtime environment variables.
    """
    code = os.path.abspath(function.code)
    search_path = [code, function.environment.get("PYTHONPATH", ""), *_layers(function), str(runtime_directory)]
    region = function.arn.split(":")[3]
    opened = datetime.fromtimestamp(now_ms / 1000, UTC)
    return {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        # botocore looks for these two in the home directory of whoever runs the tool.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # The account-based hosts of DynamoDB are not served here (observed on boto3 1.44).
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        **function.environment,
        "PYTHONPATH": os.pathsep.join(place for place in search_path if place),
        "_HANDLER": function.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{opened:%Y/%m/%d}/[{version}]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": code,
        "LAMBDA_RUNTIME_DIR": str(runtime_directory),
        **provided,
    }


def _layers(function: Function) -> Iterator[str]:
    """Where Python looks into layers: what a later one holds wins (*Packaging your layer content*)."""
    for layer in reversed(function.layers):
        yield str(layer / "python" / "lib" / function.runtime / "site-packages")
        yield str(layer / "python")
