import os
from collections import Counter

import boto3

albums = boto3.resource("dynamodb").Table(os.environ["ALBUMS"])


def handler(event, _):
    deltas = Counter()
    for record in event["Records"]:
        album = record["dynamodb"]["Keys"]["album"]["S"]
        deltas[album] += {"INSERT": 1, "REMOVE": -1}.get(record["eventName"], 0)
    for album, delta in deltas.items():
        albums.update_item(
            Key={"album": album},
            UpdateExpression="ADD photos :delta SET clicksGoTo = :stream",
            ExpressionAttributeValues={":delta": delta, ":stream": os.environ["CLICKS"]},
        )
