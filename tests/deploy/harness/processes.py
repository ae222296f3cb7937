"""Processes that end with this one, however it ends, and ports of the loopback address."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).absolute()
TOOLS = TARGET / "tools"
WORK = TARGET / "deploy"
GUARD = REPOSITORY / "tests/emulators/guard.py"
# A caller's own settings must not decide whom a test talks to: nothing here may reach an account.
FOREIGN = re.compile(r"^AWS_")
STOP_SECONDS = 10


class Trouble(Exception):
    """Something that ends the test, with what to look at."""


def environment(**changes):
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    kept.update(
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true", SAM_CLI_TELEMETRY="0",
    )
    kept.update(changes)
    return kept


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Running:
    """Started processes; leaving the block stops them all, the last one first."""

    def __init__(self):
        self.started = []

    def __enter__(self):
        # A CI that ends a job sends this one.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def start(self, name, command, log, **environ):
        out = open(log, "ab")
        command = [sys.executable, str(GUARD), "--", *map(str, command)]
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment(**environ),
                                   start_new_session=True)
        self.started.append((name, process))
        return process

    def __exit__(self, *_):
        for name, process in reversed(self.started):
            # The group: functions that the emulator started, too.
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break
                try:
                    process.wait(STOP_SECONDS if number == signal.SIGTERM else None)
                except subprocess.TimeoutExpired:
                    continue
        self.started.clear()


def wait_for(url, seconds, what, log):
    until = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(url, timeout=2).read()
        except urllib.error.HTTPError:
            return b""
        except OSError:
            if time.monotonic() > until:
                raise Trouble(f"{what} does not answer at {url}; its log ends with:\n{tail(log, 20)}") from None
            time.sleep(0.2)


def tail(path, lines):
    try:
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def run(name, command, cwd=REPOSITORY, **environ):
    """Runs a command to its end, its output in a file that is shown when it fails. Gives the seconds it took."""
    log, began = WORK / f"{name}.log", time.monotonic()
    with open(log, "wb") as out:
        code = subprocess.run(list(map(str, command)), cwd=cwd, stdout=out, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, env=environment(**environ)).returncode
    if code:
        raise Trouble(f"{name} ended with {code}; {log} ends with:\n{tail(log, 40)}")
    return time.monotonic() - began
