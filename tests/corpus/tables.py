"""Compares the tables of a lake, as DuckDB and Arrow read them, with the events they were made of."""

import json
import pathlib
import sys

import duckdb
import pyarrow.parquet as parquet


def main(folder, events_file):
    files = sorted(pathlib.Path(folder).glob("ext/*/*/*/*/*.parquet"))
    events = [json.loads(line) for line in open(events_file, encoding="utf-8")]
    if not files or not events:
        sys.exit("there is nothing to compare")
    troubles = [trouble for file in files for trouble in check_file(file)]
    troubles += compare(files, events)
    troubles += inventories(folder)
    for trouble in troubles[:20]:
        print(trouble)
    rows = sum(parquet.read_metadata(file).num_rows for file in files)
    print(f"{rows} rows in {len(files)} objects, {len(events)} events: {len(troubles)} troubles")
    return 1 if troubles else 0


def check_file(file):
    """What the rules for custom sources of Security Lake ask of each object."""
    opened = parquet.ParquetFile(file)
    class_uid = int(file.parts[-5].removeprefix("casbah-"))
    day = file.parts[-2].removeprefix("eventDay=")
    table = opened.read()
    times = table.column("time").to_pylist()
    if times != sorted(times):
        yield f"{file}: rows are not in the order of time"
    if set(table.column("class_uid").to_pylist()) != {class_uid}:
        yield f"{file}: rows of another class"
    if {moment.strftime("%Y%m%d") for moment in table.column("time_dt").to_pylist()} != {day}:
        yield f"{file}: rows of another day"
    for number in range(opened.num_row_groups):
        group = opened.metadata.row_group(number)
        columns = [group.column(at) for at in range(group.num_columns)]
        if {column.compression for column in columns} != {"ZSTD"}:
            yield f"{file}: not compressed with zstd"
        for column in columns:
            if "observables" in column.path_in_schema and not column.path_in_schema.startswith("observables.list.element"):
                yield f"{file}: {column.path_in_schema} is no list of three levels"


def compare(files, events):
    """Whether the rows say what the events say: every id once, and every value where it was."""
    source = f"read_parquet({[str(file) for file in files]}, union_by_name = true, hive_partitioning = false)"
    query = f"SELECT to_json(t) FROM {source} t"
    rows = {}
    for text, in duckdb.sql(query).fetchall():
        row = json.loads(text)
        if known(row) in rows:
            yield f"{known(row)}: two rows"
        rows[known(row)] = row
    said = {known(event): event for event in events}
    yield from (f"{uid}: no row" for uid in said.keys() - rows.keys())
    yield from (f"{uid}: a row of no event" for uid in rows.keys() - said.keys())
    for uid in said.keys() & rows.keys():
        row = without_nothing(rows[uid])
        row.pop("time_dt")
        row["unmapped"] = json.loads(row.get("unmapped", "{}"))
        event = without_nothing(said[uid])
        event.setdefault("unmapped", {})
        row["unmapped"] = without_nothing(row["unmapped"])
        if row != event:
            parts = [name for name in row.keys() | event.keys() if row.get(name) != event.get(name)]
            yield f"{uid}: {parts} differ: {[(row.get(name), event.get(name)) for name in parts][:1]}"


def known(event):
    """Ids are the vendor's, so two vendors may have one in common."""
    return event["metadata"]["product"]["name"], event["metadata"]["uid"]


def inventories(folder):
    """What the connections hold: both engines read the same rows, and each id is current once."""
    lists = sorted(pathlib.Path(folder).glob("inventory/*"))
    if len(lists) != 5:
        yield f"{len(lists)} inventories instead of 5"
    for of in lists:
        files = sorted(of.glob("current/*/*.parquet"))
        source = f"read_parquet({[str(file) for file in files]}, union_by_name = true, hive_partitioning = false)"
        rows, ids, begun = duckdb.sql(f"SELECT count(*), count(DISTINCT id), count(valid_from) FROM {source} WHERE valid_to IS NULL").fetchall()[0]
        if not rows or rows != ids or rows != begun:
            yield f"{of.name}: {rows} rows that are current, {ids} ids, {begun} that say since when"
        tables = [parquet.read_table(file, partitioning=None) for file in files]
        read = [row for table in tables for row in table.to_pylist() if row["valid_to"] is None]
        if len(read) != rows or {row["id"] for row in read} != {row[0] for row in duckdb.sql(f"SELECT id FROM {source} WHERE valid_to IS NULL").fetchall()}:
            yield f"{of.name}: the engines do not read the same rows"


def without_nothing(value):
    """Columns are there for every row: what a row does not have is empty."""
    if isinstance(value, dict):
        kept = {name: without_nothing(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None and inner != {}}
    if isinstance(value, list):
        return [without_nothing(inner) for inner in value]
    return value


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} LAKE EVENTS")
    sys.exit(main(*sys.argv[1:]))
