"""The judge must be able to say no: calls that are wrong in one way each, and what it must call them.

self_test.py FOLDER
"""

import sys

from calls import Judge
from judge import descriptions

GRAPH, BOX, OKTA = "https://graph.microsoft.com/v1.0", "https://api.box.com/2.0", "https://acme.okta.com"
TOKEN = "https://api.box.com/oauth2/token"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def call(url, answer=None, **other):
    app = "box" if "box" in url else "okta" if "okta" in url else "microsoft365"
    return {"app": app, "fault": None, "method": "GET", "url": url, "headers": {}, "status": 200, "answer": answer} | other


# What is right, so that the rest is told apart from a judge that refuses everything.
RIGHT = [
    call(f"{GRAPH}/users?$top=1&$select=id", {"value": [{"id": "1"}]}),
    call(f"{BOX}/users?limit=1000&usemarker=true", {"limit": 1000, "entries": [{"type": "user", "id": "1"}]}),
    call(f"{OKTA}/api/v1/users?limit=200", [{"id": "00u1", "status": "ACTIVE", "created": "2026-05-04T10:00:00.000Z"}]),
    call(TOKEN, {"expires_in": 1}, method="POST", headers=FORM, body={"grant_type": "client_credentials"}),
]

WRONG = [
    ("a wrong path", call(f"{GRAPH}/userz"), "GET /userz: this path is not described"),
    ("a wrong path", call(f"{BOX}/userz"), "GET /userz: this path is not described"),
    ("a wrong path", call(f"{OKTA}/api/v1/userz"), "GET /api/v1/userz: this path is not described"),
    ("a wrong method", call(f"{BOX}/events", method="PUT"), "PUT /events: this method is not described"),
    ("a wrong method", call(f"{OKTA}/api/v1/logs", method="POST"), "POST /api/v1/logs: this method is not described"),
    ("a wrong host", call("https://example.com/users"), "GET https://example.com/users: nothing describes this address"),
    ("a wrong parameter", call(f"{GRAPH}/users?top=1"), "GET /users: parameter top is not described"),
    ("a wrong parameter", call(f"{BOX}/users?page=1"), "GET /users: parameter page is not described"),
    ("a wrong parameter", call(f"{OKTA}/api/v1/logs?page=1"), "GET /api/v1/logs: parameter page is not described"),
    ("a parameter twice", call(f"{BOX}/users?limit=1&limit=2"), "GET /users: parameter limit comes 2 times"),
    ("a wrong type", call(f"{BOX}/users?limit=many"), "GET /users: parameter limit: not integer"),
    ("a wrong type", call(f"{OKTA}/api/v1/logs?limit=many"), "GET /api/v1/logs: parameter limit: "),
    ("a wrong value", call(f"{BOX}/events?stream_type=mine"), "parameter stream_type: not in the list of values"),
    ("a wrong value", call(f"{GRAPH}/users?$select=nothing"), "parameter $select: not in the list of values"),
    ("beyond a limit", call(f"{BOX}/users?limit=1001"), "GET /users: parameter limit: out of the range"),
    ("beyond a limit", call(f"{OKTA}/api/v1/api-tokens?limit=1"), "parameter limit is not described"),
    ("a wrong time", call(f"{BOX}/events?created_after=today"), "parameter created_after: not of the form date-time"),
    ("a body too few", call(TOKEN, method="POST", headers=FORM, body={}), "body.grant_type: missing"),
    ("a wrong body", call(TOKEN, method="POST", headers=FORM, body={"grant_type": "x"}), "body.grant_type: not in the list"),
    ("a wrong form", call(TOKEN, method="POST", headers={}, body={}), "a body of no type is not described"),
    ("a wrong answer", call(f"{GRAPH}/users", {"value": [{"id": 1}]}), "answer 200.value[].id: not string"),
    ("a wrong answer", call(f"{GRAPH}/users", {"value": [{"nmae": ""}]}), "answer 200.value[].nmae: not described"),
    ("a wrong answer", call(f"{BOX}/users", {"entries": {}}), "answer 200.entries: not array"),
    ("a wrong answer", call(f"{BOX}/users", {"entries": [{"type": "user"}]}), "answer 200.entries[].id: missing"),
    ("a wrong answer", call(f"{OKTA}/api/v1/users", [{"id": 1}]), "answer 200[].id: "),
    ("a wrong answer", call(f"{OKTA}/api/v1/users", [{"status": "AWAKE"}]), "answer 200[].status: "),
    ("a wrong answer", call(f"{OKTA}/api/v1/users", [{"nmae": ""}]), "answer 200[].nmae: not described"),
    ("a wrong answer", call(f"{OKTA}/api/v1/users", {}), "answer 200: not array"),
]


def main(folder):
    judge = Judge(descriptions(folder))
    failed = []
    for one in RIGHT:
        failed += [f"{one['url']} is right and deviates: {name}" for name in judge.judge(one)]
    for what, one, expected in WRONG:
        found = judge.judge(one)
        if not any(expected in name for name in found):
            failed.append(f"{what}: {one['method']} {one['url']}: expected \"{expected}\", found {found}")
    for line in failed:
        print(line)
    print(f"self-test of the judge: {len(RIGHT) + len(WRONG) - len(failed)} passed, {len(failed)} failed")
    return not failed


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
