"""The deploy test: from the template to a whole tenant in table and bucket, and back to nothing."""

import argparse
import json
import subprocess
import sys
import time

from harness import acting
from harness import checks as found
from harness import figures, inventories, packages, tables
from harness.api import Api
from harness.build import build
from harness.command import Command
from harness.follow import caught_up, settled, until
from harness.lab import STACK, Lab
from harness.processes import REPOSITORY, WORK, Running, Trouble

CONNECTION, OTHER = "contoso", "fabrikam"
# What one machine with two cores reads in a minute at the least, emulator included; the limit is several times that.
RECORDS_PER_MINUTE = 4_000
LEAST_SECONDS = 600
# A deletion waits a minute for late workers and twice two minutes for a listing that stays empty.
DELETION_SECONDS = 900
# A feed is looked at every ten minutes at the latest, and sooner when somebody asks.
LIVE_SECONDS = 1_500
ASK_EVERY_SECONDS = 30
# The vendor shows an event an hour after it happened, and a few in a thousand within minutes: many must happen.
LIVE_PER_HOUR = 40_000


def arguments():
    parser = argparse.ArgumentParser(prog="tests/deploy/run", description=__doc__)
    parser.add_argument("--users", type=int, default=150)
    parser.add_argument("--files", type=int, default=1_200)
    parser.add_argument("--activities", type=int, default=3_000)
    parser.add_argument("--quick", action="store_true", help="leaves out what is waiting only: the live event and the deletion")
    parser.add_argument("--idle", type=int, default=0, metavar="MINUTES", help="watches a connection that has caught up for so long")
    parser.add_argument("--sam-build", action="store_true", help="builds with `sam build`, as a cloud team does")
    parser.add_argument("--dev", action="store_true", help="builds for development: quick, and as large as it likes")
    parser.add_argument("--built", action="store_true", help="takes what was built before")
    return parser.parse_args()


def main():
    given = arguments()
    WORK.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    checks = found.Checks()
    try:
        if not given.built:
            for step, seconds in build(given.sam_build, given.dev).items():
                print(f"{step}: {seconds:.0f} s", flush=True)
        if not given.dev:
            packages.examine(checks)
        with Running() as running:
            lab = Lab(running, "run")
            try:
                examine(lab, given, checks)
            except Exception:
                print(lab.dump() if hasattr(lab, "queue_urls") else "", file=sys.stderr)
                raise
            if checks.failed:
                lab.keep()
    except Trouble as trouble:
        checks.check("the test came to its end", trouble)
    print(f"took {time.monotonic() - began:.0f} s")
    return checks.end("deploy")


def examine(lab, given, checks):
    lab.start()
    print(f"sam deploy: {lab.deploy():.0f} s", flush=True)
    tenant = lab.simulate("contoso", given.users, given.files, given.activities, "--tier", "act")
    api = Api(lab.outputs["ApiUrl"], lab.port)
    door(checks, lab, api, tenant)
    before = figures.take(lab)
    size = given.users * 3 + given.files + given.activities
    seconds = connect(lab, api, CONNECTION, tenant, max(LEAST_SECONDS, 60 * size / RECORDS_PER_MINUTE))
    settled(lab)
    print(f"tables filled in {tables.filled(lab, CONNECTION):.0f} s", flush=True)
    print(f"inventories filled in {inventories.filled(lab, CONNECTION, tenant.holds()):.0f} s", flush=True)
    settled(lab)
    used = figures.minus(figures.take(lab), before)
    print(f"read in {seconds:.0f} s", flush=True)
    found.counts(checks, api, CONNECTION, tenant.holds())
    records = found.ledger(checks, lab, api, CONNECTION, tenant.holds()["activities"])
    write_figures(lab, api, tenant, used, records, seconds)
    tables.examine(checks, lab, CONNECTION, tenant.secret, inventories.Inventories(tenant.holds()))
    found.secrecy(checks, lab, tenant.secret)
    if given.idle:
        idle(lab, given.idle)
    acting.examine(checks, lab, api, CONNECTION, tenant)
    command = Command(lab)
    from_outside(checks, command)
    pause_and_resume(checks, lab, api, command)
    found.health(checks, lab)
    if not given.quick:
        live_and_gone(checks, lab, api, command)
        found.health(checks, lab)
    policy(checks, lab, given.quick)


def door(checks, lab, api, tenant):
    """Who is let in, and that a repeated request is one request."""
    checks.equal("the API answers a signed request", api.call("GET", "/v1/health").status, 200)
    checks.equal("and refuses one that is not signed", api.call("GET", "/v1/health", sign=False).status, 403)
    reader = read_only_caller(lab)
    checks.equal("who may look, may look", reader.call("GET", "/v1/connections").status, 200)
    refused = reader.call("POST", "/v1/connections", tenant.connection("intruder"))
    checks.equal("and may not connect", refused.status, 403)
    wrong = api.call("POST", "/v1/connections", {"name": 7})
    checks.check("a body that is wrong is a problem document", None if wrong.status in (400, 422) and wrong.json()["field"] else wrong)
    webhook = Api(lab.outputs["WebhookUrl"], lab.port)
    unknown = webhook.call("POST", f"/hooks/{CONNECTION}", {"value": []}, sign=False)
    checks.equal("a webhook of an unknown connection is refused", 400 <= unknown.status < 500, True)


def read_only_caller(lab):
    iam = lab.client("iam")
    iam.create_user(UserName="reader")
    iam.attach_user_policy(UserName="reader", PolicyArn=lab.outputs["ReadPolicyArn"])
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    return Api(lab.outputs["ApiUrl"], lab.port, key["AccessKeyId"], key["SecretAccessKey"])


def connect(lab, api, name, tenant, limit):
    request, headers = tenant.connection(name), {"Idempotency-Key": f"deploy-test-connects-{name}"}
    first = api.call("POST", "/v1/connections", request, headers)
    if first.status != 202:
        raise Trouble(f"POST /v1/connections answered {first}")
    again = api.call("POST", "/v1/connections", request, headers)
    if again.status != 202 or again.json()["connected_at"] != first.json()["connected_at"]:
        raise Trouble(f"the same request again was answered {again}")
    return caught_up(lab, api, name, limit)


def pause_and_resume(checks, lab, api, command):
    command.run("pause", CONNECTION)
    checks.equal("a paused connection says so", api.get(f"/connections/{CONNECTION}").json()["state"], "paused")
    settled(lab)
    command.run("resume", CONNECTION)
    state = api.get(f"/connections/{CONNECTION}").json()["state"]
    checks.check("a resumed connection goes on", None if state in ("connected", "pending") else state)
    caught_up(lab, api, CONNECTION, LEAST_SECONDS)


def from_outside(checks, command):
    """The command on somebody's machine shows what the API tells."""
    names = [one["name"] for one in command.json("connections")["connections"]]
    checks.equal("the command lists the connections", names, [CONNECTION])
    status = command.run("status")
    checks.check("the command shows how a connection stands", None if CONNECTION in status else status)
    ledger = command.json("ledger")
    closes = {one["connection"]: one["closes"] for one in ledger["connections"]}
    checks.equal("the command shows that the ledger closes", closes, {CONNECTION: True})


def live_and_gone(checks, lab, api, command):
    """A second tenant in which things go on to happen, while the first one is deleted: neither disturbs the other."""
    tenant = lab.simulate("fabrikam", 20, 40, 100, "--live", LIVE_PER_HOUR, "--seed", 2)
    print(command.connect(tenant, OTHER), end="", flush=True)
    caught_up(lab, api, OTHER, LEAST_SECONDS)
    target = tenant.holds()["activities"] + 1
    answer = api.call("DELETE", f"/v1/connections/{CONNECTION}")
    checks.equal("a deletion is taken in", answer.status, 202)
    live_event(checks, lab, api, tenant, target)
    gone(checks, lab, api)
    found.counts(checks, api, OTHER, tenant.holds())


def live_event(checks, lab, api, tenant, target):
    """Events that happened after the connection was made arrive, each once; somebody asks for them."""
    asked = 0.0

    def look():
        nonlocal asked
        now, held = written(api, OTHER), tenant.holds()["activities"]
        if held >= target and time.monotonic() - asked > ASK_EVERY_SECONDS:
            asked = time.monotonic()
            api.post(f"/connections/{OTHER}/scan", {"what": ["activities"]})
        return (now if now >= target else None), f"{now} activities of {target}"

    _, seconds = until(lab, "a live event", LIVE_SECONDS, look, 10)
    now = written(api, OTHER)
    checks.check("live events arrive, and no more than there are", None if target <= now <= tenant.holds()["activities"] else now)
    print(f"  a new event was there after {seconds:.0f} s", flush=True)
    book = api.get(f"/connections/{OTHER}/ledger").json()
    checks.check("the ledger closes with live events", None if book["closes"] else book["totals"])


def written(api, name):
    book = api.get(f"/connections/{name}/ledger").json()["totals"]
    return sum(one["written"] for one in book if one["feed"].startswith("activities/"))


def gone(checks, lab, api):
    def look():
        answer = api.call("GET", f"/v1/connections/{CONNECTION}")
        return (True if answer.status == 404 else None), f"{answer.status} {answer.json().get('state')}"

    _, seconds = until(lab, "the end of the deletion", DELETION_SECONDS, look, 5)
    print(f"  the deletion ended {seconds:.0f} s later", flush=True)
    found.nothing_left(checks, lab, CONNECTION)


def idle(lab, minutes):
    print(f"watching for {minutes} minutes", flush=True)
    before = figures.take(lab)
    time.sleep(60 * minutes)
    used = figures.minus(figures.take(lab), before)
    path = WORK / "figures.json"
    saved = json.loads(path.read_text())
    saved.update(idle={"minutes": minutes, "used": used}, metrics=figures.metrics(lab))
    path.write_text(json.dumps(saved, indent=1))
    print(figures.show(used, 0, 60 * minutes))


def write_figures(lab, api, tenant, used, records, seconds):
    totals = api.get(f"/connections/{CONNECTION}/ledger").json()["totals"]
    table = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
    held = {
        "holds": {name: count for name, count in tenant.holds().items() if isinstance(count, int)},
        "records": records,
        "written": {one["feed"]: one["written"] for one in totals},
        "wall_seconds": round(seconds, 1),
        "used": used,
        "dollars": figures.dollars(figures.total(used)),
        "table": {"items": table.get("ItemCount"), "bytes": sum(len(json.dumps(item)) for item in lab.items())},
        "bucket": {"objects": len(lab.objects()), "bytes": sum(size for _, size in lab.objects())},
        "calls": figures.calls(lab),
        "refusals": [[*what, count] for what, count in figures.refusals(lab).most_common()],
    }
    (WORK / "figures.json").write_text(json.dumps(held, indent=1))
    print(figures.show(used, records, seconds), flush=True)


def policy(checks, lab, is_quick):
    """What was left out of a quick run leaves rights unused, so that one only looks for missing ones."""
    command = [
        sys.executable, REPOSITORY / "tests/deploy/policy/check.py", "--stack", STACK, "--calls", lab.calls,
        "--template", lab.folder / "processed.json", "--resources", lab.folder / "resources.json",
    ]
    for name, value in lab.parameters.items():
        command += ["--parameter", f"{name}={value}"]
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    lines = (ended.stdout + ended.stderr).splitlines()
    if is_quick:
        lines = [line for line in lines if "is not allowed" in line or "Traceback" in line]
    checks.check("roles allow what functions did, and nothing else", "\n".join(lines) if ended.returncode and lines else None)


if __name__ == "__main__":
    sys.exit(main())
