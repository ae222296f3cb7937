"""What a run used, by what AWS bills, and what that would cost at list prices."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

from harness.lab import FUNCTIONS

PRICES = Path(__file__).resolve().parents[1] / "prices.json"
REPORT = re.compile(r"REPORT RequestId: (\S+)\s+Duration: ([\d.]+) ms\s+Billed Duration: ([\d.]+) ms\s+Memory Size: (\d+) MB")
# S3 API calls by price class (S3 pricing, "Requests & data retrievals"); deletes are free.
S3_PUT = {"PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "ListObjectsV2", "ListObjectVersions"}
S3_GET = {"GetObject", "HeadObject", "HeadBucket"}
# A refused conditional write uses units, too, and the emulator does not say how many (developer guide, "Capacity unit
# consumption"): one per item, two in a transaction.
REFUSED = {"ConditionalCheckFailedException": 1, "TransactionCanceledException": 2}
# Lambda asks a queue and deletes from it once per batch each (Lambda developer guide, "Using Lambda with Amazon SQS").
SQS_PER_BATCH = 2
EMPTY = {
    "invocations": 0, "billed_ms": 0.0, "gb_seconds": 0.0, "log_bytes": 0, "read_units": 0.0, "write_units": 0.0,
    "table_calls": 0, "s3_put": 0, "s3_get": 0, "s3_delete": 0, "s3_bytes_put": 0, "sqs": 0, "secrets": 0, "sns": 0, "refused": 0,
}


def take(lab):
    """Everything used so far, by function."""
    used = {name: dict(EMPTY) for name in FUNCTIONS}
    for name in FUNCTIONS:
        mine = used[name]
        for line in lab.logs(name):
            # Each event is billed with 26 bytes on top (CloudWatch pricing and PutLogEvents).
            mine["log_bytes"] += len(line.encode()) + 26
            if report := REPORT.search(line):
                mine["invocations"] += 1
                mine["billed_ms"] += float(report.group(3))
                mine["gb_seconds"] += float(report.group(3)) / 1000 * int(report.group(4)) / 1024
        if name not in ("webhook", "sweep"):
            mine["sqs"] += SQS_PER_BATCH * mine["invocations"]
    for call in lab.recorded():
        count(used[call["function"].removeprefix("casbah-")], call)
    return used


def count(mine, call):
    service, action = call["service"], call["action"]
    mine["refused"] += call["status"] >= 400
    if service == "dynamodb":
        mine["table_calls"] += 1
        mine["read_units"] += call.get("read_units", 0)
        mine["write_units"] += call.get("write_units", 0) + REFUSED.get(call.get("error"), 0) * len(call.get("items", [1]))
    elif service == "s3":
        kind = "s3_put" if action in S3_PUT else "s3_get" if action in S3_GET else "s3_delete"
        mine[kind] += 1
        mine["s3_bytes_put"] += call["sent"] if action in ("PutObject", "UploadPart") else 0
    elif service in ("sqs", "sns"):
        mine[service] += 1
    elif service == "secretsmanager":
        mine["secrets"] += 1


def minus(later, earlier):
    return {name: {what: later[name][what] - earlier[name][what] for what in EMPTY} for name in later}


def total(used):
    return {what: sum(mine[what] for mine in used.values()) for what in EMPTY}


def dollars(sums, architecture="arm64"):
    """By service, at list prices; free tiers are not taken off."""
    price = {name: one["dollars"] / one["per"] for name, one in json.loads(PRICES.read_text())["prices"].items()}
    return {
        "Lambda": sums["gb_seconds"] * price[f"lambda-gb-second-{architecture}"] + sums["invocations"] * price["lambda-request"],
        "DynamoDB": sums["read_units"] * price["dynamodb-read-unit"] + sums["write_units"] * price["dynamodb-write-unit"],
        "S3 requests": sums["s3_put"] * price["s3-put"] + sums["s3_get"] * price["s3-get"],
        "SQS": sums["sqs"] * price["sqs-request"],
        "Secrets Manager": sums["secrets"] * price["secrets-call"],
        "SNS": sums["sns"] * price["sns-publish"],
        "CloudWatch Logs": sums["log_bytes"] * price["logs-gb-ingested"] / 1e9,
    }


def show(used, records, seconds):
    """The table that a run prints."""
    lines = [f"{'function':14} {'calls':>7} {'billed s':>9} {'reads':>9} {'writes':>9} {'S3 put':>7} {'S3 get':>7} {'SQS':>7}"]
    for name, mine in [*used.items(), ("all", total(used))]:
        lines.append(f"{name:14} {mine['invocations']:7} {mine['billed_ms'] / 1000:9.1f} {mine['read_units']:9.1f} "
                     f"{mine['write_units']:9.1f} {mine['s3_put']:7} {mine['s3_get']:7} {mine['sqs']:7}")
    sums, thousands = total(used), max(records, 1) / 1000
    lines.append(f"{'per 1000 rec.':14} {sums['invocations'] / thousands:7.2f} {sums['billed_ms'] / 1000 / thousands:9.2f} "
                 f"{sums['read_units'] / thousands:9.2f} {sums['write_units'] / thousands:9.2f} {sums['s3_put'] / thousands:7.2f} "
                 f"{sums['s3_get'] / thousands:7.2f} {sums['sqs'] / thousands:7.2f}")
    cost = dollars(sums)
    parts = ", ".join(f"{name} {value:.5f}" for name, value in cost.items() if value >= 0.000005)
    lines.append(f"dollars: {sum(cost.values()):.5f} for {records} records in {seconds:.0f} s "
                 f"({sum(cost.values()) / thousands:.6f} per 1000): {parts}")
    return "\n".join(lines)


def refusals(lab):
    """What AWS refused, by function, action and error: conditions that did not hold are part of the design."""
    return Counter((call["function"], call["action"], call["error"]) for call in lab.recorded() if call["status"] >= 400)


def calls(lab):
    found = defaultdict(Counter)
    for call in lab.recorded():
        found[call["function"]][f"{call['service']}:{call['action']}"] += 1
    return {name: dict(counter.most_common()) for name, counter in sorted(found.items())}


def metrics(lab):
    """How many metrics CloudWatch would bill, of the stack and of its connections: one for each name and dimensions."""
    found = set()
    for name in FUNCTIONS:
        for line in lab.logs(name):
            if '"_aws"' not in line:
                continue
            event = json.loads(line)
            for group in event["_aws"]["CloudWatchMetrics"]:
                for dimensions in group["Dimensions"]:
                    values = tuple((one, event[one]) for one in dimensions)
                    found |= {(metric["Name"], values) for metric in group["Metrics"]}
    of_connections = {one for one in found if any(name == "connection" for name, _ in one[1])}
    return {"stack": len(found - of_connections), "connection": len(of_connections)}
