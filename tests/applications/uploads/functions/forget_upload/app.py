import os
from urllib.parse import unquote_plus

import boto3

files = boto3.resource("dynamodb").Table(os.environ["FILES"])


def main(event, context):
    for record in event["Records"]:
        key = unquote_plus(record["s3"]["object"]["key"])
        if key.startswith("keep/"):
            raise PermissionError(f"{key} was to be kept")
        files.delete_item(Key={"file": key})
