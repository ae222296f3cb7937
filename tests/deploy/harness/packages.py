"""What each function weighs as a package, and how long a process of it takes to ask Lambda for its first event.

The clock runs from the start of the process to its first request of the Runtime API, which is answered by nobody here.
What AWS does before, fetching the package and starting a machine, is not in it.
"""

import argparse
import http.server
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

from harness.build import BUILT, build, folders
from harness.checks import Checks
from harness.processes import WORK, Trouble, environment

# Amazon Linux 2023 has glibc 2.34 (Amazon Linux 2023 user guide, "Package versions").
GLIBC = (2, 34)
PACKAGE_BYTES_MAX = 6_000_000
# The one that reads and writes Parquet, which nobody waits for.
WITH_PARQUET, PARQUET_BYTES_MAX = "compact", 8_000_000
START_MS_MAX = 50
STARTS = 11
ANSWER_SECONDS = 10
# What a function needs to begin; nothing of it is called.
SETTINGS = {
    "AWS_LAMBDA_FUNCTION_NAME": "casbah", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_LOG_GROUP_NAME": "group", "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
    "CASBAH_TABLE": "table", "CASBAH_BUCKET": "bucket", "CASBAH_SECRETS_PREFIX": "casbah/",
}


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Notes when it is asked for an event, and never has one."""

    daemon_threads = True

    def __init__(self):
        self.is_asked, self.at, self.ends = threading.Event(), 0.0, threading.Event()
        super().__init__(("127.0.0.1", 0), Asked)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def start_of(self, bootstrap):
        """Milliseconds from the start of a process until it asks."""
        self.is_asked.clear()
        address = f"127.0.0.1:{self.server_port}"
        began = time.perf_counter()
        process = subprocess.Popen([bootstrap], env=environment(AWS_LAMBDA_RUNTIME_API=address, **SETTINGS),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            if not self.is_asked.wait(ANSWER_SECONDS):
                process.kill()
                raise Trouble(f"{bootstrap} asks for no event:\n{process.communicate()[0].decode(errors='replace')}")
            return (self.at - began) * 1000
        finally:
            process.kill()
            process.communicate()


class Asked(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("/runtime/invocation/next"):
            self.server.at = time.perf_counter()
            self.server.is_asked.set()
            self.server.ends.wait(ANSWER_SECONDS)

    def log_message(self, *_):
        pass


def measure():
    """Of each function: bytes as it is and as a package, the glibc it needs, and milliseconds of its starts."""
    found, runtime = {}, RuntimeApi()
    for logical, folder in folders().items():
        bootstrap = BUILT / logical / "bootstrap"
        archive = shutil.make_archive(str(WORK / f"package-{folder}"), "zip", BUILT / logical)
        symbols = subprocess.run(["objdump", "-T", bootstrap], capture_output=True, text=True).stdout
        found[folder] = {
            "bytes": bootstrap.stat().st_size, "package": os.path.getsize(archive),
            "glibc": max((tuple(map(int, one.split("."))) for one in re.findall(r"GLIBC_([\d.]+)", symbols)), default=(0,)),
            "starts": [runtime.start_of(bootstrap) for _ in range(STARTS)],
        }
        os.unlink(archive)
    runtime.ends.set()
    runtime.shutdown()
    return found


def show(found):
    """A table as `tests/bench/README.md` has it."""
    lines = [f"| function | MB | zipped MB | start, ms: median of {STARTS} | slowest |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, one in found.items():
        starts = one["starts"]
        lines.append(f"| {name} | {one['bytes'] / 1e6:.1f} | {one['package'] / 1e6:.2f} | {statistics.median(starts):.0f} | {max(starts):.0f} |")
    return "\n".join(lines)


def examine(checks):
    found = measure()
    print(show(found), flush=True)
    most = dict.fromkeys(found, PACKAGE_BYTES_MAX) | {WITH_PARQUET: PARQUET_BYTES_MAX}
    large = {name: one["package"] for name, one in found.items() if one["package"] > most[name]}
    checks.equal(f"functions that zip to more than {PACKAGE_BYTES_MAX / 1e6:.0f} MB, or {PARQUET_BYTES_MAX / 1e6:.0f} with Parquet", large, {})
    slow = {name: one["starts"] for name, one in found.items() if statistics.median(one["starts"]) > START_MS_MAX}
    checks.equal(f"functions that need more than {START_MS_MAX} ms to ask for their first event", slow, {})
    late = {name: one["glibc"] for name, one in found.items() if one["glibc"] > GLIBC}
    checks.equal("functions that need a newer glibc than Amazon Linux 2023 has", late, {})


def main():
    parser = argparse.ArgumentParser(prog="tests/deploy/packages", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sam-build", action="store_true", help="builds with `sam build`, as a cloud team does")
    parser.add_argument("--built", action="store_true", help="takes what was built before")
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    checks = Checks()
    try:
        if not given.built:
            build(given.sam_build)
        examine(checks)
    except Trouble as trouble:
        checks.check("every function starts", trouble)
    return checks.end("packages")


if __name__ == "__main__":
    sys.exit(main())
