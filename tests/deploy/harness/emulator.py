"""Starts ministack, which then says with every DynamoDB answer how many units the call used.

Functions do not ask for that, and a proxy cannot ask in their place: the signature covers the body. So it is asked for
behind the check of the signature, by wrapping the one function that answers DynamoDB in the version that is installed.
"""

import json
import re

from ministack.app import main
from ministack.services import dynamodb

ANSWERED, EVALUATED = dynamodb.handle_request, dynamodb._evaluate_condition
COUNTED = {"PutItem", "GetItem", "DeleteItem", "UpdateItem", "Query", "Scan", "BatchWriteItem", "BatchGetItem",
           "TransactWriteItems", "TransactGetItems"}
# How a queue is asked for what is due.
DUE = re.compile(r"\w+ = :\w+ AND (\w+) <= (:\w+)")


async def handle_request(method, path, headers, body, query_params):
    if headers.get("x-amz-target", "").split(".")[-1] in COUNTED:
        try:
            body = json.dumps({"ReturnConsumedCapacity": "INDEXES", **json.loads(body)}).encode()
        except ValueError:
            pass  # it is refused as it is
    return await ANSWERED(method, path, headers, body, query_params)


def evaluate(expression, item, values, names, slot="ConditionExpression"):
    """Compares instead of parsing the condition for every item of a queue: half a second with ten thousand of them."""
    due = DUE.fullmatch(expression or "") if slot == "KeyConditionExpression" else None
    if due is None:
        return EVALUATED(expression, item, values, names, slot=slot)
    order, bound = due.groups()
    # The items are those of the partition already.
    return int(item[order]["N"]) <= int(values[bound]["N"])


dynamodb.handle_request, dynamodb._evaluate_condition = handle_request, evaluate
if __name__ == "__main__":
    main()
