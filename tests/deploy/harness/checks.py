"""What must hold after a run. Each check has a name and says what it found when it fails."""

import json
import re
from collections import Counter

import zstandard
from boto3.dynamodb.types import TypeDeserializer

from harness.lab import FUNCTIONS, QUEUES

# Where a list of the API says what `/simulator/holds` counts; each with what picks its rows.
LISTS = {
    "users": ("users", {}),
    "guests": ("users", {"kind": "guest"}),
    "disabled": ("users", {"status": "disabled"}),
    "groups": ("groups", {}),
    "files": ("files", {"kind": "file"}),
    "folders": ("files", {"kind": "folder"}),
}


class Checks:
    def __init__(self):
        self.passed, self.failed = [], []

    def check(self, name, found):
        """`found` is nothing when all is well, or what is wrong."""
        (self.failed if found else self.passed).append(name)
        print(f"  {'FAILED' if found else 'passed'}: {name}" + (f"\n    {str(found)[:1500]}" if found else ""), flush=True)

    def equal(self, name, found, expected):
        self.check(name, None if found == expected else f"{found!r}, expected {expected!r}")

    def end(self, what):
        print(f"{what}: {len(self.passed)} passed, {len(self.failed)} failed", flush=True)
        return 1 if self.failed else 0


# The emulator looks at every root for each page of files: lists of more files than this are read once, and picked from here.
LISTED_AGAIN_MAX = 20_000


def counts(checks, api, connection, held):
    """Every list of the API against what the tenant holds; no id stands in a list twice."""
    whole = api.rows(f"/connections/{connection}/files") if held["files"] > LISTED_AGAIN_MAX else None

    def rows_of(path, query):
        if path == "files" and whole is not None:
            return [row for row in whole if all(row.get(name) == value for name, value in query.items())]
        return api.rows(f"/connections/{connection}/{path}", **query)

    for name, (path, query) in LISTS.items():
        rows = rows_of(path, query)
        checks.equal(f"number of {name}", len(rows), held[name])
        checks.equal(f"no id twice in {name}", len({row["id"] for row in rows}), len(rows))
    for sharing, expected in held["files_by_sharing"].items():
        rows = rows_of("files", {"kind": "file", "sharing": sharing})
        checks.equal(f"number of files that are {sharing}", len(rows), expected)


def ledger(checks, lab, api, connection, activities):
    """The ledger that the API adds up or, where the emulator is too slow for so many roots, the sum of the manifest."""
    whole = api.call("GET", f"/v1/connections/{connection}/ledger")
    totals = whole.json()["totals"] if whole.status == 200 else manifest(lab)
    checks.check("the ledger closes", [one for one in totals if not one["closes"]])
    feeds = [one for one in totals if one["feed"].startswith("activities/")]
    checks.equal("number of activities written", sum(one["written"] for one in feeds), activities)
    checks.equal("activities refused or lost", sum(one["refused"] + one["lost"] for one in feeds), 0)
    checks.equal("known gaps", api.rows(f"/connections/{connection}/gaps"), [])
    return sum(one["written"] for one in totals)


def manifest(lab):
    """The tallies of every manifest entry by feed, as `casbah ledger` adds them up."""
    feeds = {}
    for item in lab.items():
        stream = item["pk"]["S"].partition("#M#")[2]
        if stream:
            entry = plain_item(item)
            level, _, feed = stream.partition("-")
            is_listing = level in ("early", "back", "live", "late", "bundles")
            name = f"activities/{feed}" if is_listing else "files" if entry["family"] == "files" else stream
            tally = feeds.setdefault(name, Counter())
            for hour in entry["tallies"].values():
                tally.update({name: int(count) for name, count in hour.items()})
    ends = ("written", "duplicate", "refused", "lost")
    return [
        {**{end: tally[end] for end in ends}, "feed": feed, "closes": tally["listed"] == sum(tally[end] for end in ends)}
        for feed, tally in sorted(feeds.items())
    ]


def plain_item(item):
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()}


def health(checks, lab, dead_letters=0, errors=0):
    """No dead letter that nobody named, and no function that ended badly, beyond what a test has caused."""
    depths = lab.depths()
    dead = {f"{queue}-dead": depths[f"{queue}-dead"] for queue in QUEUES if any(depths[f"{queue}-dead"])}
    checks.equal("messages in dead-letter queues", dead, {})
    named = [line for line in lab.logs("notify") if '"DeadLetters"' in line and '"_aws"' in line]
    if dead_letters is not None:
        checks.equal("dead letters named", len(named), dead_letters)
    bad = re.compile(r"panicked|Task timed out|Runtime\.ExitError|\"level\":\s*\"ERROR\"", re.IGNORECASE)
    found = [f"{name}: {line[:300]}" for name in FUNCTIONS for line in lab.logs(name) if bad.search(line)]
    if errors is not None:
        checks.check("no function ended badly or logged an error", found[:5])
    return found


def secrecy(checks, lab, secret):
    """The client secret stands nowhere but in the secret store: not in logs, items, messages, objects or templates."""
    where, needle = [], secret.encode()
    where += [f"log of {name}" for name in FUNCTIONS if any(secret in line for line in lab.logs(name))]
    where += [f"item {item['pk']['S']} {item['sk']['S']}" for item in lab.items() if contains(item, needle)]
    s3, objects = lab.client("s3"), lab.objects()
    for key, _ in objects:
        body = s3.get_object(Bucket=lab.bucket, Key=key)["Body"].read()
        if needle in key.encode() or needle in plain(body):
            where.append(f"object {key}")
    where += [f"{name} in the lab's folder" for name in ("calls.jsonl", "processed.json") if secret in (lab.folder / name).read_text()]
    for name in FUNCTIONS:
        config = lab.client("lambda").get_function_configuration(FunctionName=f"casbah-test-{name}")
        if secret in json.dumps(config.get("Environment", {})):
            where.append(f"environment of {name}")
    for name, url in lab.queue_urls.items():
        received = lab.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        where += [f"queue {name}" for message in received.get("Messages", []) if secret in message["Body"]]
    checks.check(f"the client secret is in no log, item, message or object ({len(objects)} objects looked through)", where)


def contains(item, needle):
    return any(needle in plain(value) for value in leaves(item))


def leaves(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value if isinstance(value, bytes) else str(value).encode()


def plain(body):
    """What is compressed is looked at as it was before; frames may follow each other."""
    if not body.startswith(b"\x28\xb5\x2f\xfd"):
        return body
    return zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read()


def nothing_left(checks, lab, connection):
    """After a deletion: no item, no object and no secret that names the connection."""
    items = [(item["pk"]["S"], item["sk"]["S"]) for item in lab.items()]
    left = [key for key in items if re.search(rf"(^|[#/=]){re.escape(connection)}([#/@~.]|$)", " ".join(key))]
    checks.equal("items left of the deleted connection", left[:10], [])
    marks = (f"conn={connection}.", f"accountId=external_{connection}.", f"connection={connection}.")
    objects = [key for key, _ in lab.objects() if any(mark in key for mark in marks)]
    checks.equal("objects left of the deleted connection", objects[:10], [])
    secrets = lab.client("secretsmanager").list_secrets()["SecretList"]
    checks.equal("secrets left of the deleted connection", [one["Name"] for one in secrets if one["Name"].endswith(f"/{connection}")], [])
    return items
