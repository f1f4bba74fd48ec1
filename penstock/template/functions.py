"""Functions, the mappings that feed them, and who may invoke them: ``AWS::Lambda::*`` to models."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from penstock.template.code import CodeReader
from penstock.template.messages import QUEUE_TYPE, TOPIC_TYPE
from penstock.template.models import EventSourceMapping, Function, Permission, Queue, Resource, Table
from penstock.template.properties import Properties
from penstock.template.resources import ELSEWHERE, Resources
from penstock.template.spelling import queue_configuration, stream_configuration

# Defaults of AWS::Lambda::Function, AWS CloudFormation Template Reference.
DEFAULT_TIMEOUT_SECONDS = 3
DEFAULT_MEMORY_MB = 128

LAYER_TYPE = "AWS::Lambda::LayerVersion"


def read_functions(resources: Resources, code: CodeReader) -> tuple[Function, ...]:
    """All functions with their code, versions and aliases; what cannot run here is refused by name."""
    versions: dict[str, list[str]] = {}
    aliases: dict[str, dict[str, str]] = {}
    functions = [_function(resource, resources, code) for resource in resources.of("AWS::Lambda::Function")]
    for resource in resources.of("AWS::Lambda::Version"):
        function = find_function(functions, Properties.of(resource), "FunctionName")
        versions.setdefault(function.arn, []).append(resource.attributes["Version"])
    for resource in resources.of("AWS::Lambda::Alias"):
        properties = Properties.of(resource)
        function = find_function(functions, properties, "FunctionName")
        aliases.setdefault(function.arn, {})[properties.text("Name")] = properties.text("FunctionVersion")
    return tuple(
        dataclasses.replace(
            function, versions=tuple(versions.get(function.arn, ())), aliases=aliases.get(function.arn, {})
        )
        for function in functions
    )


def read_mappings(
    resources: Resources, functions: Sequence[Function], tables: Sequence[Table], queues: Sequence[Queue]
) -> tuple[EventSourceMapping, ...]:
    """All event source mappings of streams and queues; another source is refused by name."""
    return tuple(
        _mapping(resource, functions, tables, queues) for resource in resources.of("AWS::Lambda::EventSourceMapping")
    )


def read_permissions(resources: Resources, functions: Sequence[Function]) -> tuple[Permission, ...]:
    """All statements of the functions' resource policies."""
    permissions = []
    for resource in resources.of("AWS::Lambda::Permission"):
        properties = Properties.of(resource)
        permissions.append(
            Permission(
                logical_id=resource.logical_id,
                function_arn=qualified_arn(functions, properties, "FunctionName"),
                action=properties.text("Action"),
                principal=properties.text("Principal"),
                source_arn=properties.text("SourceArn", None),
                source_account=properties.text("SourceAccount", None),
            )
        )
    return tuple(permissions)


def find_function(functions: Sequence[Function], properties: Properties, name: str) -> Function:
    """The function that a property names: by name or ARN, with or without a qualifier."""
    given = properties.text(name)
    wanted, _ = name_and_qualifier(given)
    for function in functions:
        if function.name == wanted:
            return function
    raise properties.error(name, f"{given} is no function of this template", ELSEWHERE)


def qualified_arn(functions: Sequence[Function], properties: Properties, name: str) -> str:
    """The ARN that a property names, with the qualifier when there is one; it must be an alias or a version."""
    function = find_function(functions, properties, name)
    _, qualifier = name_and_qualifier(properties.text(name))
    if not qualifier:
        return function.arn
    if qualifier not in (*function.aliases, *function.versions, "$LATEST"):
        known = ", ".join((*function.aliases, *function.versions)) or "none"
        raise properties.error(
            name,
            f"the function {function.logical_id} has no alias or version {qualifier}",
            f"its aliases and versions are: {known}",
        )
    return f"{function.arn}:{qualifier}"


def name_and_qualifier(identifier: str) -> tuple[str, str]:
    """``name``, ``name:live``, ``<account>:function:name:live`` or a whole ARN → name and qualifier."""
    name, _, qualifier = identifier.rpartition(":function:")[2].partition(":")
    return name, qualifier


def _function(resource: Resource, resources: Resources, code: CodeReader) -> Function:
    assert resource.arn is not None
    properties = Properties.of(resource)
    if properties.values.get("FileSystemConfigs"):
        raise properties.error("FileSystemConfigs", "there is no file system here", "bundle what the function needs")
    return Function(
        logical_id=resource.logical_id,
        stack=resource.stack,
        path=resource.path,
        name=resource.physical_id,
        arn=resource.arn,
        handler=properties.text("Handler"),
        runtime=properties.text("Runtime"),
        code=code.directory(resource, "Code"),
        layers=tuple(_layer(arn, properties, resources, code) for arn in properties.texts("Layers")),
        timeout_seconds=properties.integer("Timeout", DEFAULT_TIMEOUT_SECONDS),
        memory_mb=properties.integer("MemorySize", DEFAULT_MEMORY_MB),
        environment={
            name: properties.object("Environment").object("Variables").text(name)
            for name in properties.object("Environment").object("Variables").values
        },
        role_arn=properties.text("Role"),
        reserved_concurrency=properties.integer("ReservedConcurrentExecutions", None),
        log_group=properties.object("LoggingConfig").text("LogGroup", f"/aws/lambda/{resource.physical_id}"),
        aliases={},
        dead_letter_target_arn=_dead_letter_target(properties.object("DeadLetterConfig"), resources),
    )


def _layer(arn: str, properties: Properties, resources: Resources, code: CodeReader) -> Path:
    """The directory of a layer of the template."""
    for layer in resources.of(LAYER_TYPE):
        if layer.arn == arn:
            return code.directory(layer, "Content")
    raise properties.error(
        "Layers", f"{arn} is no layer of this template", f"bundle what is needed of it, or --skip {arn}"
    )


def _dead_letter_target(properties: Properties, resources: Resources) -> str | None:
    arn = properties.text("TargetArn", None)
    if arn is not None:
        resources.at_arn(arn, properties.place.at("TargetArn"), QUEUE_TYPE, TOPIC_TYPE)
    return arn


def _mapping(
    resource: Resource, functions: Sequence[Function], tables: Sequence[Table], queues: Sequence[Queue]
) -> EventSourceMapping:
    properties = Properties.of(resource)
    source = properties.text("EventSourceArn")
    return EventSourceMapping(
        logical_id=resource.logical_id,
        stack=resource.stack,
        uuid=resource.physical_id,
        function_arn=qualified_arn(functions, properties, "FunctionName"),
        event_source_arn=source,
        configuration=_configuration(properties, source, functions, tables, queues),
    )


def _configuration(
    properties: Properties,
    source: str,
    functions: Sequence[Function],
    tables: Sequence[Table],
    queues: Sequence[Queue],
) -> StreamConfiguration | QueueConfiguration:
    if any(table.stream_arn == source for table in tables):
        return stream_configuration(properties)
    for queue in queues:
        if queue.arn == source:
            return queue_configuration(
                properties,
                fifo=queue.fifo,
                visibility_timeout_seconds=queue.visibility_timeout_seconds,
                function_timeout_seconds=find_function(functions, properties, "FunctionName").timeout_seconds,
            )
    raise properties.error(
        "EventSourceArn",
        f"{source} is neither a queue nor the stream of a table of this template",
        f"supported are DynamoDB streams and SQS queues that the loaded stacks define; or --skip {source}",
    )
