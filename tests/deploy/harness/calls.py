"""What an AWS request is: of whom, to which service, which operation, on what. Read from the request alone."""

import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

# `app/NAME` of the SDK's User-Agent (AWS SDKs reference guide, "Application ID").
APP = re.compile(r"\bapp/([A-Za-z0-9-]+)")
# The scope of a signature: key/date/region/service/aws4_request (AWS general reference, "Signature Version 4").
SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
# Prefixes of X-Amz-Target.
TARGETS = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "secretsmanager": "secretsmanager"}
TRANSACTIONS = {"TransactWriteItems", "TransactGetItems"}
# Six random characters at the end of a secret's ARN (Secrets Manager user guide, "What's in a secret?").
SECRET_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


def describe(method, target, headers, body):
    """The line of a call of a function; None for a call of nobody."""
    given = {name.lower(): value for name, value in headers}
    app = APP.search(given.get("user-agent", ""))
    if not app:
        return None
    call = {"function": app.group(1)}
    service, _, operation = given.get("x-amz-target", "").rpartition(".")
    scope = SCOPE.search(given.get("authorization", ""))
    if service in TARGETS:
        call.update(service=TARGETS[service], action=operation, **of_json(TARGETS[service], operation, body))
    elif scope and scope.group(1) == "s3":
        call.update(service="s3", **of_s3(method, target, given, body))
    else:
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        call.update(service=scope.group(1) if scope else "unknown", action=form.get("Action", "unknown"))
        call["resource"] = "topic/" + last(form.get("TopicArn", ""))
    return call


def last(name):
    return re.split(r"[/:]", name)[-1]


def of_json(service, operation, body):
    try:
        sent = json.loads(body or b"{}")
    except ValueError:
        return {"resource": "unknown"}
    if service == "sqs":
        found = {"resource": "queue/" + last(sent.get("QueueUrl", ""))}
        if "Entries" in sent:
            found["entries"] = len(sent["Entries"])
        return found
    if service == "secretsmanager":
        name = sent.get("SecretId") or sent.get("Name") or ""
        if name.startswith("arn:"):
            name = SECRET_SUFFIX.sub("", name.split(":", 6)[-1])
        return {"resource": f"secret/{name}"}
    return of_table(operation, sent)


def of_table(operation, sent):
    if operation in TRANSACTIONS:
        parts = [(kind, part) for item in sent["TransactItems"] for kind, part in item.items()]
        tables = {part["TableName"] for _, part in parts}
        assert len(tables) == 1, "there is one table"
        return {"resource": f"table/{last(tables.pop())}", "items": [kind for kind, _ in parts]}
    if operation.startswith("Batch"):
        (table, asked), = sent["RequestItems"].items()
        keys = asked["Keys"] if isinstance(asked, dict) else asked
        return {"resource": f"table/{last(table)}", "entries": len(keys)}
    index = f"/index/{sent['IndexName']}" if "IndexName" in sent else ""
    return {"resource": f"table/{last(sent.get('TableName', ''))}{index}"}


def of_s3(method, target, headers, body):
    """S3 tells operations apart by method, path and query (S3 API reference, "Actions"); addresses are path-style."""
    parts = urlsplit(target)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if not key:
        if method == "POST" and "delete" in query:
            keys = re.findall(rb"<Key>([^<]*)</Key>", body)
            first = keys[0].decode() if keys else ""
            return {"action": "DeleteObjects", "resource": f"object/{bucket}/{first}", "entries": len(keys)}
        action = {"GET": "ListObjectsV2", "HEAD": "HeadBucket"}.get(method, f"{method}Bucket")
        if "versions" in query:
            action = "ListObjectVersions"
        return {"action": action, "resource": f"bucket/{bucket}", "prefix": query.get("prefix", "")}
    if "uploads" in query:
        action = "CreateMultipartUpload"
    elif "uploadId" in query:
        action = {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}[method]
    elif method == "PUT":
        action = "CopyObject" if "x-amz-copy-source" in headers else "PutObject"
    else:
        action = {"GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(method, method)
    return {"action": action, "resource": f"object/{bucket}/{key}"}


def units(operation, answer):
    """Units of capacity that a DynamoDB call used, as the answer says (developer guide, "Capacity unit consumption")."""
    try:
        used = json.loads(answer).get("ConsumedCapacity") or []
    except (ValueError, AttributeError):
        used = []
    used = used if isinstance(used, list) else [used]
    sum_of_units = sum(part.get("CapacityUnits", 0) for part in used)
    is_read = operation in ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
    return {"read_units" if is_read else "write_units": sum_of_units}
