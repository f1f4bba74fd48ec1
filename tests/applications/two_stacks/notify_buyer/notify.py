import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    for r in event["Records"]:
        if r["eventName"] == "REMOVE":
            continue
        new = r["dynamodb"]["NewImage"]
        sqs.send_message(
            QueueUrl=os.environ["QUEUE_URL"],
            MessageBody=json.dumps({"reorder": new["reorderId"]["S"], "pieces": int(new["pieces"]["N"])}),
        )
