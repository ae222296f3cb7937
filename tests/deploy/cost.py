#!/usr/bin/env python3
"""Computes docs/cost.md's tables from what a deploy test used (figures.json) and AWS's list prices (prices.json).

    tests/deploy/run --users 2000 --files 20000 --activities 40000 --idle 60
    tests/deploy/cost.py [--figures target/deploy/figures.json] [--check]

The tables go between the markers of docs/cost.md. --check only says whether they would change.
"""

import argparse
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/cost.md"
MARKS = "<!-- computed by tests/deploy/cost.py: begin -->\n", "<!-- computed by tests/deploy/cost.py: end -->\n"
SIZES = (100, 1_000, 100_000)
HOURS = 730  # of a month, as AWS's own calculator has it
DAYS = HOURS / 24
# What a user does and has; docs/cost.md says where the numbers come from and how to put in others.
EVENTS_PER_DAY, CHANGED_FILES_PER_DAY, FILES, ROOTS, GROUPS = 40, 4, 150, 1.2, 0.3
# From the code: every root is looked at twice a day, times of sign-in are read once a day for every user, roles and
# applications every hour.
SWEEPS_PER_DAY, SIGN_IN_TIMES_PER_DAY = 2, 1
# Lambda asks each queue with five pollers that wait 20 seconds each time (Lambda developer guide, "Using Lambda with
# Amazon SQS"); it does so for every event source of the template.
POLLS_PER_HOUR = 5 * 3600 / 20
# How long records are paid for in the table of storage.
STORED_MONTHS = 12
LOGS_KEPT_DAYS = 30


class Prices:
    def __init__(self):
        held = json.loads((HERE / "prices.json").read_text())["prices"]
        self.of = {name: one["dollars"] / one["per"] for name, one in held.items()}

    def use(self, sums):
        """Dollars of what functions used."""
        of = self.of
        return (
            sums["gb_seconds"] * of["lambda-gb-second-arm64"] + sums["invocations"] * of["lambda-request"]
            + sums["read_units"] * of["dynamodb-read-unit"] + sums["write_units"] * of["dynamodb-write-unit"]
            + sums["s3_put"] * of["s3-put"] + sums["s3_get"] * of["s3-get"] + sums["sqs"] * of["sqs-request"]
            + sums["secrets"] * of["secrets-call"] + sums["sns"] * of["sns-publish"]
            + sums["log_bytes"] / 1e9 * (of["logs-gb-ingested"] + of["logs-gb-month"] * LOGS_KEPT_DAYS / DAYS)
        )


def template_counts():
    """What the template has of things that cost by being there."""
    root = HERE.parents[1]
    both = (root / "template.yaml").read_text() + (root / "infra/observability.yaml").read_text()
    count = lambda pattern: len(re.findall(pattern, both, re.MULTILINE))  # noqa: E731
    return {
        "alarms": count(r"^ +Type: AWS::CloudWatch::Alarm"),
        "dashboards": count(r"^ +Type: AWS::CloudWatch::Dashboard"),
        "sources": count(r"^ +Type: SQS$"),
    }


class Model:
    def __init__(self, figures, prices):
        self.figures, self.prices, self.of = figures, prices, prices.of
        used, written = figures["used"], figures["written"]
        by_feed = lambda test: sum(count for feed, count in written.items() if test(feed))  # noqa: E731
        self.activities = by_feed(lambda feed: feed.startswith("activities/"))
        self.files = by_feed(lambda feed: feed == "files")
        self.entities = figures["records"] - self.activities - self.files
        self.per_activity = (prices.use(used["activity-poll"]) + prices.use(used["compact"])) / max(self.activities, 1)
        self.per_file = prices.use(used["file-scan"]) / max(self.files, 1)
        self.per_root = prices.use(used["file-scan"]) / max(figures["holds"]["file_roots"], 1)
        self.per_entity = prices.use(used["user-scan"]) / max(self.entities, 1)
        idle = figures["idle"]
        self.hours = idle["minutes"] / 60
        self.idle = {name: prices.use(mine) / self.hours * HOURS for name, mine in idle["used"].items()}
        self.counts = template_counts()

    def stack(self):
        """A month of a stack without a connection."""
        of, counts = self.of, self.counts
        polls = counts["sources"] * POLLS_PER_HOUR * HOURS
        metrics = self.figures["metrics"]["stack"]
        return {
            "clock and sweep": self.idle["sweep"] + 60 * HOURS * of["scheduler-invocation"],
            "asking the queues": polls * of["sqs-request"],
            "alarms and dashboard": counts["alarms"] * of["alarm-month"] + counts["dashboards"] * of["dashboard-month"],
            "metrics": metrics * of["metric-month"],
        }

    def connection(self):
        """A month of a connection in which nothing happens."""
        of = self.of
        looks = sum(cost for name, cost in self.idle.items() if name not in ("sweep", "webhook"))
        return {
            "looking for news": looks,
            "secret": of["secrets-secret-month"],
            "metrics": self.figures["metrics"]["connection"] * of["metric-month"],
        }

    def records(self, users):
        """A month of what happens in a tenant of this size, by kind."""
        events = users * EVENTS_PER_DAY * DAYS * self.per_activity
        looks = users * (CHANGED_FILES_PER_DAY + ROOTS * SWEEPS_PER_DAY) * DAYS * self.per_root
        changes = users * CHANGED_FILES_PER_DAY * DAYS * self.per_file
        people = users * SIGN_IN_TIMES_PER_DAY * DAYS * self.per_entity
        return {"activities": events, "files": looks + changes, "directory": people, "storage": self.storage(users)}

    def storage(self, users):
        """A year's records and the table, per month at the end of that year."""
        of, figures = self.of, self.figures
        per_record = figures["bucket"]["bytes"] / figures["records"]
        a_month = users * (EVENTS_PER_DAY + CHANGED_FILES_PER_DAY + SIGN_IN_TIMES_PER_DAY) * DAYS
        held = self.first(users) + a_month * STORED_MONTHS
        table = figures["table"]["bytes"] / figures["records"] * self.first(users)
        return (held * per_record * of["s3-gb-month"] + table * (of["dynamodb-gb-month"] + of["dynamodb-pitr-gb-month"])) / 1e9

    def first(self, users):
        """Records of the first reading: a week of events, everybody and every file."""
        return users * (7 * EVENTS_PER_DAY + FILES + 2 + GROUPS)

    def first_cost(self, users):
        return users * (7 * EVENTS_PER_DAY * self.per_activity + FILES * self.per_file + (2 + GROUPS) * self.per_entity)


def money(value):
    if value < 0.005:
        return f"{value:.5f}"
    return f"{value:,.2f}"


def tables(model):
    stack, connection = model.stack(), model.connection()
    yield "| a month of | dollars |", "| --- | --- |"
    for name, cost in stack.items():
        yield (f"| the stack: {name} | {money(cost)} |",)
    for name, cost in connection.items():
        yield (f"| each connection: {name} | {money(cost)} |",)
    yield ("",)
    yield "| 1,000 records of | dollars |", "| --- | --- |"
    for name, cost in (("activities", model.per_activity), ("files, with sharing", model.per_file), ("users, groups, roles, applications", model.per_entity)):
        yield (f"| {name} | {1000 * cost:.5f} |",)
    yield ("",)
    yield (
        "| users | first reading, once | stack | connection | activities | files | directory | storage | a month | a user and month |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    )
    for users in SIZES:
        parts = [sum(stack.values()), sum(connection.values()), *model.records(users).values()]
        cells = [f"{users:,}", money(model.first_cost(users)), *map(money, parts), money(sum(parts)), f"{sum(parts) / users:.5f}"]
        yield ("| " + " | ".join(cells) + " |",)
    holds = model.figures["holds"]
    yield (
        "",
        f"Computed from a run over {holds['users']:,} users, {holds['files']:,} files and {holds['activities']:,} activities, "
        f"and {model.figures['idle']['minutes']} minutes in which nothing happened.",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", default=HERE / "figures.json")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    model = Model(json.loads(Path(given.figures).read_text()), Prices())
    computed = "\n".join(line for lines in tables(model) for line in lines) + "\n"
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    after = page[: begin + len(MARKS[0])] + "\n" + computed + "\n" + page[end:]
    if given.check:
        sys.exit(0 if after == page else "docs/cost.md is not what tests/deploy/cost.py computes")
    PAGE.write_text(after)
    print(computed)


if __name__ == "__main__":
    main()
