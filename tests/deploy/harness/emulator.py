"""Starts ministack, which then says with every DynamoDB answer how many units the call used.

Functions do not ask for that, and a proxy cannot ask in their place: the signature covers the body. So it is asked for
behind the check of the signature, by wrapping the one function that answers DynamoDB in the version that is installed.
"""

import json

from ministack.app import main
from ministack.services import dynamodb

ANSWERED = dynamodb.handle_request
COUNTED = {"PutItem", "GetItem", "DeleteItem", "UpdateItem", "Query", "Scan", "BatchWriteItem", "BatchGetItem",
           "TransactWriteItems", "TransactGetItems"}


async def handle_request(method, path, headers, body, query_params):
    if headers.get("x-amz-target", "").split(".")[-1] in COUNTED:
        try:
            body = json.dumps({"ReturnConsumedCapacity": "INDEXES", **json.loads(body)}).encode()
        except ValueError:
            pass  # it is refused as it is
    return await ANSWERED(method, path, headers, body, query_params)


dynamodb.handle_request = handle_request
main()
