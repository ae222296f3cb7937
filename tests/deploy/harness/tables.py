"""Reads the tables with another engine than the one that wrote them, and holds them against the events they were made of."""

import json
import re
import time
from datetime import datetime, timezone
from itertools import zip_longest

import duckdb
import yaml
import zstandard
from boto3.dynamodb.types import TypeDeserializer

from harness.follow import until
from harness.processes import REPOSITORY

# The stream looks by itself every five minutes; a hint makes it look now, as every hint does.
FILLED_SECONDS = 300
ASK_EVERY_SECONDS = 10
FIRST_INCARNATION = 1
# Drive, policy and file, and when it changed.
OUR_FINDING = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}-[0-9]+")
# Types of the catalogue and of the engine. Times are instants in the objects, which the catalogue has no word for.
TYPES = {"string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP WITH TIME ZONE"}
# What Athena's SQL calls otherwise than this engine.
WORDS = {"CAST(NULL AS array(varchar))": "CAST(NULL AS VARCHAR[])", "element_at(": "list_extract("}


class Catalogue(yaml.SafeLoader):
    """Reads a template; of `!Sub text` and its like remains the text."""


Catalogue.add_multi_constructor("!", lambda loader, _, node: getattr(
    loader, {"ScalarNode": "construct_scalar", "SequenceNode": "construct_sequence"}.get(type(node).__name__, "construct_mapping"))(node))


def filled(lab, connection):
    """Waits until every event that was committed is in the tables. Gives the seconds it took."""
    ask = Asking(lab)

    def look():
        events = int(sum(one["records"] for entry in entries(lab, connection) for one in entry.get("events", [])))
        stream = item(lab, f"C#{connection}.{FIRST_INCARNATION}", "S#compact")
        done = int(stream.get("cur", {}).get("events", 0))
        is_done = stream["caught_up"] and done == events
        if not is_done:
            ask.about(stream)
        return (done if is_done else None), f"{done} of {events} events in tables; {stream.get('trouble')}"

    return until(lab, "the tables of every event", FILLED_SECONDS, look)[1]


class Asking:
    """Sends hints to compact, not too often."""

    def __init__(self, lab):
        self.lab, self.asked = lab, 0.0

    def about(self, stream):
        if time.monotonic() - self.asked > ASK_EVERY_SECONDS:
            self.asked = time.monotonic()
            hint = {"look": {"stage": "compact", "key": {"pk": stream["pk"], "sk": stream["sk"]}, "version": int(stream["v"])}}
            self.lab.client("sqs").send_message(QueueUrl=self.lab.queue_urls["compact"], MessageBody=json.dumps(hint))


def examine(checks, lab, connection, secret, more):
    """Rows of tables against events of the manifest, columns against the catalogue, and the views that read them and `more`."""
    expected = events(lab, connection)
    engine, catalogue = duckdb.connect(), template()
    engine.execute("SET TimeZone = 'UTC'")
    folder = fetched(lab, connection)
    found, wrong = [], []
    for name, table in tables(catalogue).items():
        wrong += loaded(engine, name, table, sorted(folder.glob(f"ext/casbah-{table['class']}/**/*.parquet")))
        found += engine.execute(f"SELECT metadata.uid, class_uid, eventday FROM {name}").fetchall()
    wrong += more.load(engine, lab, connection, catalogue)
    checks.check("tables have the columns of infra/lake.yaml", wrong)
    checks.equal("number of rows in tables", len(found), len(expected))
    checks.equal("no id twice in tables", len({uid for uid, *_ in found}), len(found))
    checks.check("each event is a row of its class and day", sorted(set(found) ^ set(expected))[:5])
    ours = [uid for uid, *_ in found if OUR_FINDING.fullmatch(uid)]
    checks.check("files that break a policy are in the tables", None if ours else "there is none")
    odd = [f"{name}: {count}" for name in tables(catalogue) if (count := engine.execute(
        f'SELECT count(*) FROM {name} WHERE epoch_ms(time_dt) <> "time" OR strftime(time_dt, \'%Y%m%d\') <> eventday').fetchone()[0])]
    checks.check("the time of a row is the day it is kept under", odd)
    checks.check("rows of an object are sorted by time", unsorted(engine, folder))
    every = [*tables(catalogue), *more.names(catalogue)]
    leaks = [name for name in every if engine.execute(
        f"SELECT count(*) FROM {name} AS r WHERE contains(CAST(r AS VARCHAR), ?)", [secret]).fetchone()[0]]
    checks.equal("tables that hold the client secret", leaks, [])
    views(checks, engine, catalogue)
    more.examine(checks, engine)
    print(f"  {len(found)} rows in {len(list(folder.glob('ext/**/*.parquet')))} objects", flush=True)


def views(checks, engine, catalogue):
    """The views of infra/lake.yaml, in this engine's words."""
    counts, troubles = {}, []
    for name, query in named_queries(catalogue).items():
        for was, now in WORDS.items():
            query = query.replace(was, now)
        try:
            engine.execute(query)
            # A count alone would leave the columns out.
            engine.execute(f"CREATE TABLE every_{name} AS SELECT * FROM {name}")
            counts[name] = engine.execute(f"SELECT count(*) FROM every_{name}").fetchone()[0]
        except duckdb.Error as error:
            troubles.append(f"{name}: {error}")
    checks.check("the views can be read", troubles)
    signed = engine.execute("SELECT count(*) FROM authentication").fetchone()[0]
    checks.equal("every sign-in is in its view", counts.get("sign_ins"), signed)
    empty = [name for name in ("sign_ins", "admin_changes", "file_activity") if not counts.get(name)]
    checks.equal("views without a row", empty, [])


def template():
    return yaml.load((REPOSITORY / "infra/lake.yaml").read_text(), Catalogue)


def tables(catalogue):
    """Columns and class of each table of events."""
    found = {}
    for given in described(catalogue):
        number = re.search(r"/casbah-(\d+)/", given["Parameters"]["storage.location.template"])
        if number:
            columns = {one["Name"]: one["Type"] for one in given["StorageDescriptor"]["Columns"]}
            found[given["Name"]] = {"class": number.group(1), "columns": columns}
    return found


def described(catalogue):
    every = catalogue["Resources"].values()
    return [one["Properties"]["TableInput"] for one in every if one["Type"] == "AWS::Glue::Table"]


def named_queries(catalogue):
    every = (resource for resource in catalogue["Resources"].values() if resource["Type"] == "AWS::Athena::NamedQuery")
    return {one["Properties"]["Name"]: one["Properties"]["QueryString"] for one in every}


def loaded(engine, name, table, files):
    """Makes a table as the catalogue has it and fills it; gives what differs."""
    columns = ", ".join(f'"{column}" {engine_type(kind)}' for column, kind in table["columns"].items())
    engine.execute(f"CREATE TABLE {name} ({columns}, connection VARCHAR, eventday VARCHAR)")
    if not files:
        return []
    source = f"read_parquet({[str(one) for one in files]}, hive_partitioning = true, hive_types_autocast = false)"
    wrong = differing(engine, name, source, 'region, "accountId", "eventDay"', "connection, eventday")
    engine.execute(f"""INSERT INTO {name} BY NAME SELECT * EXCLUDE (region, "accountId", "eventDay"),
        replace("accountId", 'external_', '') AS connection, "eventDay" AS eventday FROM {source}""")
    return wrong


def differing(engine, name, source, written_keys, promised_keys=None):
    """How the columns of objects differ from those of a table; keys are in the names of objects."""
    written = engine.execute(f"DESCRIBE SELECT * EXCLUDE ({written_keys}) FROM {source}").fetchall()
    promised = engine.execute(f"DESCRIBE SELECT * EXCLUDE ({promised_keys or written_keys}) FROM {name}").fetchall()
    pairs = zip_longest([one[:2] for one in written], [one[:2] for one in promised])
    return [f"{name}: {ours} instead of {theirs}" for ours, theirs in pairs if ours != theirs]


def engine_type(kind):
    """`array<struct<uid:string>>` is `STRUCT("uid" VARCHAR)[]`."""
    found, rest = parsed(kind)
    assert not rest, kind
    return found


def parsed(text):
    if text.startswith("array<"):
        inner, rest = parsed(text[len("array<"):])
        return f"{inner}[]", rest[1:]
    if text.startswith("struct<"):
        fields, rest = [], text[len("struct<"):]
        while not rest.startswith(">"):
            name, rest = rest.lstrip(",").split(":", 1)
            inner, rest = parsed(rest)
            fields.append(f'"{name}" {inner}')
        return f"STRUCT({', '.join(fields)})", rest[1:]
    word = re.match(r"\w+", text).group(0)
    return TYPES[word], text[len(word):]


def unsorted(engine, folder):
    found = []
    for path in folder.glob("ext/**/*.parquet"):
        times = [row[0] for row in engine.execute(f"SELECT \"time\" FROM read_parquet('{path}')").fetchall()]
        found += [path.name] if times != sorted(times) else []
    return found


def fetched(lab, connection):
    """The objects of all tables of a connection, in a folder."""
    s3, folder = lab.client("s3"), lab.folder / "tables"
    for key, _ in lab.objects():
        is_table = key.startswith("ext/") and f"/accountId=external_{connection}." in key
        if is_table or (key.startswith("inventory/") and f"/connection={connection}." in key):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=lab.bucket, Key=key)["Body"].read())
    return folder


def events(lab, connection):
    """Id, class and day of each event that commits name."""
    s3, found = lab.client("s3"), set()
    for entry in entries(lab, connection):
        for one in entry.get("events", []):
            body = s3.get_object(Bucket=lab.bucket, Key=one["name"])["Body"].read()
            lines = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read().splitlines()
            for event in map(json.loads, lines):
                day = datetime.fromtimestamp(event["time"] / 1000, timezone.utc).strftime("%Y%m%d")
                found.add((event["metadata"]["uid"], event["class_uid"], day))
    return sorted(found)


def entries(lab, connection):
    """Manifest entries of the lanes that read audit feeds, and of the one that judges files."""
    scope = f"C#{connection}.{FIRST_INCARNATION}"
    lanes = [one["sk"].removeprefix("S#") for one in partition(lab, scope) if one["sk"].startswith(("S#bundles-", "S#findings"))]
    return [entry for lane in lanes for entry in partition(lab, f"{scope}#M#{lane}")]


def partition(lab, pk):
    pages = lab.client("dynamodb").get_paginator("query").paginate(
        TableName=lab.table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}}, ConsistentRead=True)
    return [plain(one) for page in pages for one in page["Items"]]


def item(lab, pk, sk):
    found = lab.client("dynamodb").get_item(TableName=lab.table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True)
    return plain(found["Item"])


def plain(attributes):
    reader = TypeDeserializer()
    return {name: reader.deserialize(value) for name, value in attributes.items()}
