"""The emulator, the recorder, the deployed stack and the simulated tenant of one test."""

import json
import os
import re
import shutil
import time

import boto3
from botocore.config import Config

from harness.build import BUILT, TENANT
from harness.processes import REPOSITORY, TOOLS, WORK, Running, Trouble, environment, free_ports, run, wait_for

STACK = "casbah-test"
ACCOUNT = "123456789012"
PARAMETERS = {"Architecture": "x86_64", "Loopback": "allow", "TableProtection": "off"}
QUEUES = ["connect", "test", "user-scan", "activity-poll", "file-scan", "govern", "compact", "notify"]
FUNCTIONS = QUEUES + ["webhook", "sweep"]
EMULATOR_SECONDS = 60


class Lab:
    def __init__(self, running: Running, name, parameters=None):
        self.running, self.folder = running, WORK / name
        self.parameters = {**PARAMETERS, **(parameters or {})}
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.calls = self.folder / "calls.jsonl"
        self.calls.touch()
        self.emulator_port, self.port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        """Starts the emulator and the recorder before it; functions are told the recorder's address only."""
        log = self.folder / "emulator.log"
        self.emulator = self.running.start(
            "emulator", [TOOLS / "ministack/bin/python", REPOSITORY / "tests/deploy/harness/emulator.py"], log,
            BIND_HOST="127.0.0.1", GATEWAY_PORT=str(self.emulator_port), AWS_ENDPOINT_URL=self.url,
            MINISTACK_ACCOUNT_ID=ACCOUNT, LAMBDA_EXECUTOR="local", AUTH="true", IOT_MTLS_ENABLED="0", SFTP_ENABLED="0",
            RUST_BACKTRACE="0", TMPDIR=str(self.scratch()),
        )
        wait_for(f"http://127.0.0.1:{self.emulator_port}/_ministack/health", EMULATOR_SECONDS, "ministack", log)
        recorder = REPOSITORY / "tests/deploy/harness/recorder.py"
        command = [TOOLS / "ministack/bin/python", recorder, self.port, self.emulator_port, self.calls]
        self.running.start("recorder", command, self.folder / "recorder.log")
        wait_for(f"{self.url}/_ministack/health", EMULATOR_SECONDS, "the recorder", self.folder / "recorder.log")

    def scratch(self):
        folder = self.folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def client(self, service):
        config = Config(retries={"max_attempts": 3}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="test",
                            aws_secret_access_key="test", config=config)

    def deploy(self, function_seconds=None):
        """Deploys what was built, and reads what it became; with another time limit of functions where one is given."""
        template = BUILT / "template.yaml"
        if function_seconds:
            text = template.read_text()
            for was, now in ((r"(\bTimeout:) 120\b", rf"\1 {function_seconds}"),
                             (r'(\bCASBAH_FUNCTION_SECONDS:) ["\']?120\b["\']?', rf'\1 "{function_seconds}"')):
                text, changed = re.subn(was, now, text)
                assert changed, f"the template has no {was}"
            # Beside the other one: it names its functions by relative paths.
            template = BUILT / "template-short.yaml"
            template.write_text(text)
        overrides = [f"{name}={value}" for name, value in self.parameters.items()]
        seconds = run("sam-deploy", [
            TOOLS / "sam/bin/sam", "deploy", "--template-file", template, "--stack-name", STACK,
            "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-confirm-changeset",
            "--no-fail-on-empty-changeset", "--region", "us-east-1", "--parameter-overrides", *overrides,
        ], AWS_ENDPOINT_URL=self.url)
        stacks = self.client("cloudformation")
        stack = stacks.describe_stacks(StackName=STACK)["Stacks"][0]
        if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Trouble(f"the stack is {stack['StackStatus']}: {stack.get('StackStatusReason')}")
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        resources = stacks.describe_stack_resources(StackName=STACK)["StackResources"]
        self.resources = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
        template = stacks.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
        template = template if isinstance(template, dict) else json.loads(template)
        (self.folder / "processed.json").write_text(json.dumps(template, indent=1))
        (self.folder / "resources.json").write_text(json.dumps(self.resources, indent=1))
        self.table, self.bucket = self.outputs["TableName"], self.outputs["BucketName"]
        sqs = self.client("sqs")
        self.queue_urls = {
            name: sqs.get_queue_url(QueueName=f"{STACK}-{name}")["QueueUrl"]
            for queue in QUEUES for name in (queue, f"{queue}-dead")
        }
        return seconds

    def simulate(self, name, users, files, activities, *more):
        """Starts the simulated tenant and reads from its output how to connect to it."""
        log = self.folder / f"tenant-{name}.log"
        sizes = ["--users", users, "--files", files, "--activities", activities]
        self.running.start(f"tenant {name}", [TENANT, "simulate", "--port", 0, *sizes, *more], log)
        until = time.monotonic() + EMULATOR_SECONDS
        while "answers at" not in log.read_text():
            if time.monotonic() > until:
                raise Trouble(f"the simulated tenant does not start:\n{log.read_text()}")
            time.sleep(0.1)
        return Tenant(log.read_text())

    def depths(self):
        """Messages of each queue: waiting, and in work or waiting for their next attempt."""
        sqs, names = self.client("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        depths = {}
        for name, url in self.queue_urls.items():
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            depths[name] = tuple(int(found[one]) for one in names)
        return depths

    def logs(self, function):
        """Every line of a function's log, oldest first."""
        client, lines = self.client("logs"), []
        group = f"/aws/lambda/{STACK}-{function}"
        try:
            for page in client.get_paginator("filter_log_events").paginate(logGroupName=group):
                lines += [(event["timestamp"], event["message"]) for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            pass
        return [line for _, line in sorted(lines, key=lambda line: line[0])]

    def items(self):
        """Every item of the table."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def objects(self):
        """Names and sizes of every object."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [(one["Key"], one["Size"]) for page in pages for one in page.get("Contents", [])]

    def recorded(self):
        return [json.loads(line) for line in self.calls.read_text().splitlines()]

    def set_visibility(self, seconds):
        """Shortens the wait before a failed message comes again, which is twelve minutes as deployed."""
        for url in self.queue_urls.values():
            attributes = {"VisibilityTimeout": str(seconds)}
            self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def dump(self):
        """What to look at when a test has ended badly."""
        lines = ["queues (waiting, in work): " + json.dumps({name: depth for name, depth in self.depths().items() if any(depth)})]
        for function in FUNCTIONS:
            log = self.logs(function)
            (self.folder / f"{function}.log").write_text("\n".join(log))
            shown = [line for line in log if not line.startswith(("START", "END", "REPORT")) and '"_aws"' not in line]
            lines += [f"-- {function}: {len(log)} lines, the last:", *(line[:400] for line in shown[-6:])]
        return "\n".join(lines + [f"whole logs: {self.folder}"])

    def keep(self):
        """Writes the logs, the table and every object into the lab's folder: the emulator takes them along when it ends."""
        self.dump()
        (self.folder / "items.json").write_text("\n".join(json.dumps(item, default=repr) for item in self.items()))
        s3 = self.client("s3")
        for name, _ in self.objects():
            path = self.folder / "objects" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=self.bucket, Key=name)["Body"].read())
        print(f"what was there is kept in {self.folder}", flush=True)


class Tenant:
    """What `casbah simulate` printed: the config of a connection."""

    def __init__(self, printed):
        self.config = "\n".join(line for line in printed.splitlines() if not line.startswith(("#", "casbah:")))
        values = dict(line.split(" = ", 1) for line in printed.splitlines() if " = " in line)
        text = {name: value.strip('"') for name, value in values.items()}
        self.tenant_id, self.client_id, self.url = text["tenant_id"], text["client_id"], text["login"]
        self.tier = text["tier"]
        self.secret = printed.split("CASBAH_SIMULATED_SECRET='", 1)[1].split("'", 1)[0]

    def holds(self):
        return json.loads(wait_for(f"{self.url}/simulator/holds", EMULATOR_SECONDS, "the simulated tenant", os.devnull))

    def connection(self, name):
        return {
            "name": name, "app": "microsoft365", "components": ["all"], "tier": self.tier,
            "app_settings": {"tenant_id": self.tenant_id, "client_id": self.client_id},
            "endpoints": {service: self.url for service in ("login", "graph", "management")},
            "credential": {"client_secret": self.secret},
        }


__all__ = ["Lab", "Tenant", "STACK", "QUEUES", "FUNCTIONS", "environment"]
