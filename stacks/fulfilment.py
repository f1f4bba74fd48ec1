"""From accepted orders to packed and shipped ones: the state machine."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from stacks.acknowledgement import UNTRACED, acknowledge
from stacks.alarms import NOTHING_HAPPENED, PERIOD, Alarms
from stacks.attribute_conditions import only_attributes
from stacks.dead_letter_queue import DeadLetterQueue
from stacks.fulfilment_definition import fulfilment_definition
from stacks.order_bus import OrderBus
from stacks.order_rule import OrderRule
from stacks.stage_settings import StageSettings
from stacks.suppression import suppress

# The key and what packing and shipping change; it neither sees nor touches who ordered what.
_ITS_OWN = ("order_id", "status", "version", "execution")


class Fulfilment(Construct):
    """Defines the state machine, the rule that starts it, and two queues: undelivered events, failed fulfilments.

    Needs the Orders table and the bus. Guarantees that an order is packed and shipped by one execution however often
    its event comes, and that an execution which cannot go on leaves its whole input in a queue before it fails.
    A standard workflow: it may wait for days and its history is kept for 90, so it writes no log of its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        orders: dynamodb.ITable,
        bus: OrderBus,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self.undelivered = DeadLetterQueue(
            self,
            "Undelivered",
            settings=settings,
            alarms=alarms,
            means="EventBridge could not start the fulfilment of an order, which stays ACCEPTED.",
            first="read ERROR_CODE in the message's attributes, mend the cause, and start the state machine with the "
            "message's body as input.",
        )
        self.failures = DeadLetterQueue(
            self,
            "Failures",
            settings=settings,
            alarms=alarms,
            means="The fulfilment of an order failed; the message holds the execution's id and input.",
            first="mend the cause. If the order is still ACCEPTED, start the state machine anew with that input. If "
            "that execution PACKED it, a new one would find it taken: do the update of the state Ship by hand, with "
            "that execution's id.",
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        for actions, resource_arn, conditions in (
            (["dynamodb:GetItem", "dynamodb:UpdateItem"], orders.table_arn, only_attributes(*_ITS_OWN)),
            (["sqs:SendMessage"], self.failures.queue.queue_arn, None),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource_arn], conditions=conditions))
        self.state_machine = stepfunctions.StateMachine(
            self,
            "Resource",
            role=role,
            state_machine_type=stepfunctions.StateMachineType.STANDARD,
            definition_body=stepfunctions.DefinitionBody.from_string(
                fulfilment_definition(
                    self, orders=orders, failures=self.failures.queue, packing_seconds=settings.packing_seconds
                )
            ),
        )
        acknowledge(
            self.state_machine,
            {
                "AwsSolutions-SF1": "A standard workflow keeps the history of each execution for 90 days; a log of the "
                "same would hold the events a second time.",
                "AwsSolutions-SF2": UNTRACED,
                "Serverless-StepFunctionStateMachineXray": UNTRACED,
            },
        )
        suppress(
            self.state_machine,
            "PS502",
            "The chain ends: each update takes an order one status on, and only ACCEPTED orders start an execution. "
            "tests/stacks/test_chain_ends.py proves it.",
        )
        OrderRule(
            self,
            "Rule",
            settings=settings,
            bus=bus,
            alarms=alarms,
            detail_types=["OrderAccepted"],
            # A return is accepted too, but there is nothing to ship.
            detail={"kind": ["order"]},
        ).start(self.state_machine, undelivered=self.undelivered)
        for alarm_id, metric, how in (
            ("Failed", self.state_machine.metric_failed(period=PERIOD, statistic="Sum"), "failed"),
            ("TimedOut", self.state_machine.metric_timed_out(period=PERIOD, statistic="Sum"), "ran out of time"),
        ):
            alarms.add(
                self,
                alarm_id,
                metric=metric,
                threshold=1,
                means=f"The fulfilment of an order {how}.",
                first="read the history of the execution for the cause; then look for its message in the queue of "
                "failures, whose alarm says how to go on.",
                missing=NOTHING_HAPPENED,
            )
