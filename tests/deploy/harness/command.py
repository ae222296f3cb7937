"""`casbah --stack NAME`, as a person types it: signed by `casbah-stack`, which finds the profile in the environment."""

import json
import subprocess
from urllib.parse import urlsplit

from harness.build import SIGNER, TENANT
from harness.lab import STACK
from harness.processes import Trouble, environment

COMMAND_SECONDS = 120


class Command:
    def __init__(self, lab):
        # The emulator tells APIs apart by the first name of the host; the address of AWS is not to be reached from here.
        name = urlsplit(lab.outputs["ApiUrl"]).hostname.split(".")[0]
        self.address = f"http://{name}.execute-api.localhost:{lab.port}"
        self.lab = lab

    def run(self, *words, **secrets):
        """What a command prints; one that fails says why and ends the test."""
        command = [TENANT, "--stack", STACK, "--region", "us-east-1", "--api-url", self.address, *words]
        path = f"{SIGNER.parent}:/usr/bin:/bin"
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=COMMAND_SECONDS,
                               env=environment(PATH=path, AWS_ENDPOINT_URL=self.lab.url, **secrets))
        shown = ended.stdout + ended.stderr
        if ended.returncode:
            raise Trouble(f"casbah --stack {STACK} {' '.join(map(str, words))} ended with {ended.returncode}:\n{shown}")
        for secret in secrets.values():
            if secret in shown:
                raise Trouble(f"casbah {words[0]} shows a secret")
        return shown

    def json(self, *words):
        return json.loads(self.run(*words, "--output", "json"))

    def connect(self, tenant, name):
        config = self.lab.folder / f"{name}.toml"
        config.write_text(tenant.config.replace('name = "simulated"', f'name = "{name}"'))
        return self.run("connect", "--config", config, CASBAH_SIMULATED_SECRET=tenant.secret)
