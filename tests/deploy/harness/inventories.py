"""Reads what the connection holds as tables, with another engine than the one that wrote them, and counts it against the tenant."""

import re

from harness import tables
from harness.follow import until

# The stream looks by itself every five minutes, and makes an object anew five minutes after the last time at the earliest.
FILLED_SECONDS = 900
# Rows of each inventory, as `/simulator/holds` counts them.
COUNTED = {"users": ["users"], "groups": ["groups"], "files": ["files", "folders"]}


def filled(lab, connection, held):
    """Waits until the inventories hold what the tenant holds. Gives the seconds it took."""
    expected = {name: sum(held[one] for one in parts) for name, parts in COUNTED.items()}
    ask = tables.Asking(lab)

    def look():
        stream = tables.item(lab, f"C#{connection}.{tables.FIRST_INCARNATION}", "S#editions")
        found = dict.fromkeys(expected, 0)
        for word, made in stream.get("cur", {}).get("objects", {}).items():
            name = word.split("/")[0]
            found[name] = found.get(name, 0) + int(made["rows"])
        is_done = all(found[name] == count for name, count in expected.items()) and "privileges" in found and "app-permissions" in found
        if not is_done:
            ask.about(stream)
        return (found if is_done else None), f"{found} of {expected} in inventories; {stream.get('trouble')}"

    return until(lab, "the inventories", FILLED_SECONDS, look)[1]


class Inventories:
    """The tables of the inventories, beside those of events."""

    def __init__(self, held):
        self.held = held

    def names(self, catalogue):
        return list(lists(catalogue))

    def load(self, engine, lab, connection, catalogue):
        """Makes the tables of the catalogue and fills them; gives what differs."""
        folder, wrong = tables.fetched(lab, connection), []
        for name, table in lists(catalogue).items():
            files = sorted(str(one) for one in folder.glob(f"{table['folder']}/connection={connection}.*/**/*.parquet"))
            columns = ", ".join(f'"{column}" {tables.engine_type(kind)}' for column, kind in table["columns"].items())
            days = ", day VARCHAR" if table["has_days"] else ""
            engine.execute(f"CREATE TABLE {name} ({columns}, connection VARCHAR{days})")
            if files:
                source = f"read_parquet({files}, hive_partitioning = true, hive_types_autocast = false)"
                wrong += tables.differing(engine, name, source, "connection, day" if table["has_days"] else "connection")
                engine.execute(f"INSERT INTO {name} BY NAME SELECT * FROM {source}")
        return wrong

    def examine(self, checks, engine):
        """The views that `tables.views` has made, against the tenant."""
        count = lambda query: engine.execute(query).fetchone()[0]  # noqa: E731
        for name, parts in COUNTED.items():
            checks.equal(f"rows of the view {name}", count(f"SELECT count(*) FROM {name}"), sum(self.held[one] for one in parts))
        checks.equal("rows of the view guests", count("SELECT count(*) FROM guests"), self.held["guests"])
        public = sum(self.held["files_by_sharing"].get(one, 0) for one in ("public-by-link", "public"))
        checks.equal("rows of the view public_files", count("SELECT count(*) FROM public_files"), public)
        for name in ("users", "groups", "privileges", "app_permissions", "files"):
            both = count(f"""SELECT count(*) FROM {name}_history a JOIN {name}_history b ON a.id = b.id AND a.connection = b.connection
                AND a.valid_from < b.valid_from AND (a.valid_to IS NULL OR a.valid_to > b.valid_from)""")
            checks.equal(f"{name} that are in two states at once", both, 0)
        empty = [name for name in ("privileged_users", "app_permissions_use", "users_history") if not count(f"SELECT count(*) FROM {name}")]
        checks.equal("views of inventories without a row", empty, [])
        used = count("SELECT count(*) FROM app_permissions_use WHERE last_used IS NOT NULL")
        checks.check("it is known when applications were used", None if used else "none was")


def lists(catalogue):
    """Folder and columns of each table of an inventory."""
    found = {}
    for table in tables.described(catalogue):
        place = table["Parameters"]["storage.location.template"]
        match = re.search(r"/(inventory/[^/]+/(?:current|ended))/", place)
        if match:
            columns = {one["Name"]: one["Type"] for one in table["StorageDescriptor"]["Columns"]}
            found[table["Name"]] = {"folder": match.group(1), "columns": columns, "has_days": "day=" in place}
    return found
