"""Malformed messages in every queue: each becomes a dead letter with a name, none goes round for ever, work goes on."""

import json
import sys
import time

from harness import checks as found
from harness.api import Api
from harness.build import build
from harness.follow import caught_up, settled, until
from harness.lab import QUEUES, Lab
from harness.processes import WORK, Running, Trouble

CONNECTION = "contoso"
# A failed message comes back after this, instead of after twelve minutes; the longest step here takes less.
VISIBILITY_SECONDS = 20
# Five attempts with that wait, and the naming.
SECONDS = 300
READ_SECONDS = 600
LOOK = {"stage": "user-scan", "key": {"pk": "C#nobody@1", "sk": "S#users"}, "version": 7}
# What is malformed, and what is a valid hint that came too late: those are nobody's fault and end without a word.
DEAD = {
    "no JSON": "certainly not JSON",
    "JSON of another shape": json.dumps({"hello": ["world"]}),
    "nothing": " ",
    "an unknown stage": json.dumps({"look": {**LOOK, "stage": "teleport"}}),
    "a field of another type": json.dumps({"look": {**LOOK, "version": "seven"}}),
    "200 kB of it": json.dumps({"look": {**LOOK, "padding": "x" * 200_000}})[:-2],
    "deep nesting": "[" * 20_000,
}
STALE = {
    "a hint to a connection that is not there": json.dumps({"look": LOOK}),
    "a notice of a connection that is not there": json.dumps({"notify": {"connection": "nobody"}}),
}


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    checks = found.Checks()
    try:
        if "--built" not in sys.argv:
            build()
        with Running() as running:
            lab = Lab(running, "malformed")
            examine(lab, checks)
    except Trouble as trouble:
        checks.check("the test came to its end", trouble)
    return checks.end("malformed")


def examine(lab, checks):
    lab.start()
    lab.deploy()
    lab.set_visibility(VISIBILITY_SECONDS)
    sqs, sent, letters = lab.client("sqs"), 0, {}
    for queue in QUEUES:
        for name, body in {**DEAD, **STALE}.items():
            answer = sqs.send_message(QueueUrl=lab.queue_urls[queue], MessageBody=body)
            sent += 1
            if name in DEAD:
                letters[answer["MessageId"]] = f"{queue}: {name}"
    tenant = lab.simulate("contoso", 20, 60, 200)
    api = Api(lab.outputs["ApiUrl"], lab.port)
    answer = api.call("POST", "/v1/connections", tenant.connection(CONNECTION))
    checks.equal("a connection is taken in beside them", answer.status, 202)
    caught_up(lab, api, CONNECTION, READ_SECONDS)
    found.counts(checks, api, CONNECTION, tenant.holds())
    found.ledger(checks, lab, api, CONNECTION, tenant.holds()["activities"])
    print(f"{sent} messages sent, waiting for {len(letters)} dead letters", flush=True)
    named(checks, lab, letters)
    settled(lab, SECONDS)
    quiet(checks, lab)
    found.health(checks, lab, dead_letters=None, errors=None)


def named(checks, lab, letters):
    def look():
        log = "\n".join(lab.logs("notify"))
        missing = [name for message, name in letters.items() if message not in log]
        return (True if not missing else None), f"{len(letters) - len(missing)} named; not yet: {missing[:4]}"

    try:
        until(lab, "the name of every dead letter", SECONDS, look)
        checks.check(f"each of {len(letters)} malformed messages became a dead letter with a name", None)
    except Trouble as trouble:
        checks.check(f"each of {len(letters)} malformed messages became a dead letter with a name", trouble)


def quiet(checks, lab):
    """Nothing goes round: once all is settled, functions are called by the clock and nobody else."""
    before = {queue: len([line for line in lab.logs(queue) if line.startswith("REPORT")]) for queue in QUEUES}
    time.sleep(2 * VISIBILITY_SECONDS)
    after = {queue: len([line for line in lab.logs(queue) if line.startswith("REPORT")]) for queue in QUEUES}
    more = {queue: after[queue] - before[queue] for queue in QUEUES if after[queue] - before[queue] > 3}
    checks.equal("no message goes round", more, {})


if __name__ == "__main__":
    sys.exit(main())
