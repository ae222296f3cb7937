"""Waits for things to happen, with a limit and a view of what is going on."""

import json
import time

from harness.processes import Trouble

LOOK_EVERY_SECONDS = 2


def until(lab, what, seconds, look, every=LOOK_EVERY_SECONDS):
    """Repeats `look` until it gives something that is not None. What it prints last tells where it stood."""
    began, last = time.monotonic(), 0.0
    while True:
        found, state = look()
        if found is not None:
            return found, time.monotonic() - began
        now = time.monotonic() - began
        if now > seconds:
            raise Trouble(f"{what} is not there after {seconds:.0f} s: {state}\n{lab.dump()}")
        if now - last > 15:
            last = now
            print(f"  {now:5.0f} s  {state}", flush=True)
        time.sleep(every)


def caught_up(lab, api, connection, seconds):
    """Follows `…/progress` until every stage has nothing left to read. Gives the seconds it took."""

    def look():
        progress = api.get(f"/connections/{connection}/progress").json()
        stages = progress["stages"]
        state = progress["state"] + ": " + ", ".join(
            f"{one['stage']} {one['state']} {one['records']} ({one['streams_caught_up']}/{one['streams']})" for one in stages)
        if progress["state"] == "failed":
            raise Trouble(f"the connection failed: {json.dumps(progress)}\n{lab.dump()}")
        is_done = progress["state"] == "connected" and all(one["state"] == "caught-up" for one in stages)
        return (progress if is_done else None), state

    return until(lab, "the whole tenant", seconds, look)[1]


def settled(lab, seconds=120):
    """Waits until no message is waiting and none is in work."""

    def look():
        depths = {name: depth for name, depth in lab.depths().items() if any(depth)}
        return (True if not depths else None), json.dumps(depths)

    until(lab, "an empty queue everywhere", seconds, look)
