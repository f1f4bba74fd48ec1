import json
import os
from urllib.parse import unquote_plus

import boto3

from parsing import total

s3 = boto3.client("s3")
files = boto3.resource("dynamodb").Table(os.environ["FILES"])


def main(event, context):
    failed = []
    for message in event["Records"]:
        try:
            notification = json.loads(json.loads(message["body"])["Message"])
            if notification.get("Event") == "s3:TestEvent":
                print("the bucket says hello")
                continue
            for record in notification["Records"]:
                index(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
        except Exception as e:
            print("could not index", message["messageId"], e)
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def index(bucket, key):
    lines = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
    files.put_item(Item={"file": key, "lines": len(lines), "total": total(lines)})
