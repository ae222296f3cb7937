"""Holds recorded calls against what the vendors publish about their APIs; every deviation needs a reason.

judge.py RECORDING DEVIATIONS FOLDER
"""

import json
import re
import sys
import tomllib
from collections import Counter

import box_client
import document
import graph_client
import okta_client
from calls import Judge


def descriptions(folder):
    """Which addresses are described by what, newest first, and what paths are called there."""
    box = [
        box_client.read("the client that Box generates"),
        document.read(f"{folder}/box.json", "the OpenAPI document of Box"),
    ]
    graph = [
        graph_client.read(f"{folder}/graph.whl", "the client that Microsoft generates"),
        document.read(f"{folder}/graph.json", "the OpenAPI document of Microsoft Graph"),
    ]
    return [
        ("https://graph.microsoft.com/v1.0", "", graph),
        ("https://api.box.com/2.0", "", box),
        ("https://api.box.com/oauth2", "/oauth2", box),
        ("https://acme.okta.com", "", [okta_client.read("the client that Okta generates")]),
    ]


def explained(path):
    """Deviations that are right: a pattern of each name, in which `*` stands for anything, and the name as written."""
    with open(path, "rb") as file:
        groups = tomllib.load(file).get("deviation", [])
    assert all(group["reason"].strip() for group in groups), "a reason is empty"
    names = [name for group in groups for name in group["names"]]
    assert len(set(names)) == len(names), "a name is explained twice"
    return {name: re.compile(".*".join(map(re.escape, name.split("*")))) for name in names}


def is_explained(name, reasons):
    return any(pattern.fullmatch(name) for pattern in reasons.values())


def report(judge, reasons, failed):
    unexplained = sorted(name for name in judge.deviations if not is_explained(name, reasons))
    unneeded = sorted(name for name, pattern in reasons.items() if not any(map(pattern.fullmatch, judge.deviations)))
    for name in unexplained:
        print(f"deviates {judge.deviations[name]} times: {name}")
    for name in unneeded:
        print(f"is explained and does not happen: {name}")
    described = Counter(name.split(":")[0] for name in judge.operations)
    for app in sorted(judge.requests):
        print(f"{app}: {judge.requests[app]} requests, {described[app]} operations")
    right = len(judge.deviations) - len(unexplained)
    print(
        f"{judge.requests.total()} requests, {len(judge.operations)} distinct operations, "
        f"{len(judge.deviations)} deviations: {right} with a reason, {len(unexplained)} without; {len(unneeded)} reasons too many"
    )
    print(f"{judge.requests.total() - failed} passed, {failed + len(unneeded)} failed")
    return not unexplained and not unneeded and judge.requests.total() > 0


def main(recording, deviations, folder):
    judge = Judge(descriptions(folder))
    reasons = explained(deviations)
    failed = 0
    with open(recording, "rb") as lines:
        for line in lines:
            failed += any(not is_explained(name, reasons) for name in judge.judge(json.loads(line)))
    return report(judge, reasons, failed)


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
