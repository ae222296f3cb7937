"""Judges one recorded call: is the operation there, are its parameters and body right, is the answer as described."""

import json
import re
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

# What vendors' documents leave to HTTP itself.
HEADERS_OF_HTTP = {"accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent"}
# What a generated client does not tell: there the older document speaks, in everything else the newer client.
ONLY_IN_DOCUMENTS = ("out of the range", "not of the form date-time", "not of the pattern", "not of the length", ": null")
# Segments that are ids of somebody, in paths that no description knows.
ID = re.compile(r"(?=.*\d)[\w!.$,-]{8,}|\d+")


class Judge:
    def __init__(self, descriptions):
        # The address below which descriptions speak, what their paths begin with, and the descriptions, newest first.
        self.descriptions = descriptions
        self.operations = Counter()
        self.deviations = Counter()
        self.requests = Counter()
        self.failed = Counter()
        self.seen = {}

    def judge(self, call):
        """Names what deviates in a call; a call that was seen before deviates in the same."""
        self.requests[call["app"]] += 1
        key = json.dumps({name: value for name, value in call.items() if name != "credential"}, sort_keys=True)
        if key not in self.seen:
            self.seen[key] = sorted(set(self.deviations_of(call)))
        self.deviations.update(self.seen[key])
        return self.seen[key]

    def deviations_of(self, call):
        address = urlsplit(call["url"])
        described, path = self.description(address)
        called = f"{call['app']}: {call['method']} "
        if described is None:
            yield f"{called}{address.scheme}://{address.netloc}{without_ids(path)}: nothing describes this address"
            return
        known = [(operation, others) for operation, others in (one.find(call["method"], path) for one in described) if operation or others]
        found = [operation for operation, _ in known if operation]
        if not found:
            what = "this method is not described" if known else "this path is not described"
            yield f"{called}{without_ids(path)}: {what}"
            return
        name = called + found[0].path
        self.operations[name] += 1
        for what in self.faults(found[0], call, address):
            yield f"{name}: {what}"
        for older in found[1:]:
            for what in self.faults(older, call, address):
                if what.endswith(ONLY_IN_DOCUMENTS):
                    yield f"{name}: {what}"

    def description(self, address):
        url = f"{address.scheme}://{address.netloc}{address.path}"
        for base, prefix, descriptions in self.descriptions:
            if url == base or url.startswith(base + "/"):
                return descriptions, prefix + url.removeprefix(base)
        return None, address.path

    def faults(self, operation, call, address):
        yield from query_faults(operation, parse_qsl(address.query, keep_blank_values=True))
        yield from header_faults(operation, call["headers"])
        yield from body_faults(operation, call)
        yield from answer_faults(operation, call)


def query_faults(operation, sent):
    known = {one.name: one for one in operation.parameters if one.place == "query"}
    for name, value in sent:
        if name not in known:
            yield f"parameter {name} is not described"
            continue
        for where, what in known[name].faults(value):
            yield f"parameter {name}{where}: {what}"
    for name, count in Counter(name for name, _ in sent).items():
        if count > 1:
            yield f"parameter {name} comes {count} times"
    for name, one in known.items():
        if one.is_required and name not in dict(sent):
            yield f"parameter {name} is missing"


def header_faults(operation, sent):
    known = {one.name.lower(): one for one in operation.parameters if one.place == "header"}
    for name in sent:
        if name not in known and name not in HEADERS_OF_HTTP:
            yield f"header {name} is not described"
    for name, one in known.items():
        if one.is_required and name not in sent:
            yield f"header {name} is missing"


def body_faults(operation, call):
    if "body" not in call:
        if operation.is_body_required:
            yield "the body is missing"
        return
    kind = call["headers"].get("content-type", "").split(";")[0]
    if kind not in operation.bodies:
        yield f"a body of {kind or 'no type'} is not described"
        return
    for where, what in operation.bodies[kind](call["body"]):
        yield f"body{where}: {what}"


def answer_faults(operation, call):
    status = call.get("status")
    # A fault of a simulator is to answer what no vendor promises; refusals are told the same with and without one.
    if status is None or (call["fault"] and status < 400):
        return
    is_known, check = operation.answer(status)
    if not is_known:
        yield f"an answer with status {status} is not described"
    elif check and call.get("answer") is not None:
        for where, what in check(call["answer"]):
            yield f"answer {status}{where}: {what}"


def without_ids(path):
    return "/".join("{}" if ID.fullmatch(part) else part for part in path.split("/"))
