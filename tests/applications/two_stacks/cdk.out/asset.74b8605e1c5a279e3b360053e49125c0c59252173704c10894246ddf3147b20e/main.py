import logging
import os

import boto3
from boto3.dynamodb.types import TypeDeserializer

log = logging.getLogger()
log.setLevel(logging.INFO)

table = boto3.resource("dynamodb").Table(os.environ["REORDERS_TABLE"])
threshold = int(os.environ["THRESHOLD"])
deserialize = TypeDeserializer().deserialize


def handle(event, context):
    failures = []
    for record in event["Records"]:
        change = record["dynamodb"]
        try:
            level = {k: deserialize(v) for k, v in change["NewImage"].items()}
            if level["pieces"] < threshold:
                reorder(level)
        except Exception:
            log.exception("cannot judge %s", change.get("Keys"))
            failures.append({"itemIdentifier": change["SequenceNumber"]})
    return {"batchItemFailures": failures}


def reorder(level):
    log.info("%s is low in %s", level["sku"], level["warehouse"])
    table.put_item(
        Item={
            "reorderId": f"{level['sku']}/{level['warehouse']}",
            "pieces": threshold * 10,
        }
    )
