import os
from collections import Counter

import boto3

counts = boto3.resource("dynamodb").Table(os.environ["COUNTS"])


def main(event, context):
    for change, n in Counter(record["eventName"] for record in event["Records"]).items():
        counts.update_item(
            Key={"change": change},
            UpdateExpression="ADD files :n",
            ExpressionAttributeValues={":n": n},
        )
