"""Function processes die at random moments while a tenant is read; what is read is exact all the same."""

import os
import random
import signal
import sys
import threading
import time

from harness import checks as found
from harness.api import Api
from harness.build import build
from harness.follow import caught_up, settled
from harness.lab import Lab
from harness.processes import WORK, Running, Trouble

CONNECTION = "contoso"
SIZE = {"users": 120, "files": 1_500, "activities": 6_000}
# What a dead function held is free again after its lease, which is the time limit and twenty seconds; with the 120 s that
# are deployed otherwise, every death would cost four minutes.
FUNCTION_SECONDS = 30
# Messages of a killed function come back after this, instead of after twelve minutes. That is before the lease ends, so
# that most steps are found by the sweep, which is the other way back.
VISIBILITY_SECONDS = 30
SECONDS_BETWEEN = (2.0, 8.0)
READ_SECONDS = 1_800
LEAST_KILLS = 15
# A dead letter may come of it: five deaths with the same message. It must have a name then.


class Killer(threading.Thread):
    """Kills a random function process of the emulator every few seconds, until it is told to stop."""

    def __init__(self, emulator, seed):
        super().__init__(daemon=True)
        self.emulator, self.random, self.killed, self.ends = emulator, random.Random(seed), {}, threading.Event()

    def run(self):
        while not self.ends.wait(self.random.uniform(*SECONDS_BETWEEN)):
            victims = sorted(functions_below(self.emulator))
            if not victims:
                continue
            pid, name = self.random.choice(victims)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.killed[name] = self.killed.get(name, 0) + 1


def functions_below(emulator):
    """Processes of the emulator's session that run a bootstrap, each with the name of its function."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.getsid(int(entry)) != emulator:
                continue
            if os.path.basename(os.readlink(f"/proc/{entry}/exe")) != "bootstrap":
                continue
            with open(f"/proc/{entry}/environ", "rb") as file:
                values = dict(part.split(b"=", 1) for part in file.read().split(b"\0") if b"=" in part)
            yield int(entry), values[b"AWS_LAMBDA_FUNCTION_NAME"].decode()
        except (OSError, KeyError):
            continue  # it ended meanwhile


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    given = [one for one in sys.argv[1:] if one.isdigit()]
    seed = int(given[0]) if given else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    checks = found.Checks()
    try:
        if "--built" not in sys.argv:
            build()
        with Running() as running:
            lab = Lab(running, "kill")
            examine(lab, checks, seed)
    except Trouble as trouble:
        checks.check("the test came to its end", trouble)
    return checks.end("kill")


def examine(lab, checks, seed):
    lab.start()
    lab.deploy(FUNCTION_SECONDS)
    lab.set_visibility(VISIBILITY_SECONDS)
    tenant = lab.simulate("contoso", SIZE["users"], SIZE["files"], SIZE["activities"])
    api = Api(lab.outputs["ApiUrl"], lab.port)
    answer = api.call("POST", "/v1/connections", tenant.connection(CONNECTION))
    checks.equal("a connection is taken in", answer.status, 202)
    killer = Killer(lab.emulator.pid, seed)
    killer.start()
    began = time.monotonic()
    try:
        caught_up(lab, Patient(api, killer), CONNECTION, READ_SECONDS)
    finally:
        killer.ends.set()
        killer.join()
    kills = sum(killer.killed.values())
    print(f"read in {time.monotonic() - began:.0f} s with {kills} deaths: {killer.killed}", flush=True)
    checks.check(f"at least {LEAST_KILLS} functions died", None if kills >= LEAST_KILLS else kills)
    settled(lab, 600)
    found.counts(checks, api, CONNECTION, tenant.holds())
    found.ledger(checks, lab, api, CONNECTION, tenant.holds()["activities"])
    found.secrecy(checks, lab, tenant.secret)
    found.health(checks, lab, dead_letters=None, errors=None)
    if checks.failed:
        lab.keep()


class Patient:
    """The API with its own function under fire: an answer that died with it is asked for again."""

    def __init__(self, api, killer):
        self.api, self.killer = api, killer

    def get(self, path, **query):
        for _ in range(20):
            try:
                return self.api.get(path, **query)
            except (Trouble, OSError):
                time.sleep(1)
        return self.api.get(path, **query)


if __name__ == "__main__":
    sys.exit(main())
