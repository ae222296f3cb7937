"""Builds the functions and the simulated tenant, and checks the template on the way.

By default the functions are built by cargo into the folder that everything else is built into, so that what is shared
with the rest of CI is compiled once, and laid out as `sam build` does; they get the profile of `functions/.cargo` from
either. `--sam-build` does what a cloud team does, which compiles all of it again for cargo-lambda's linker. `--dev` takes
functions that were compiled for tests: quick to build, and far too large to be deployed.
"""

import os
import re
import shutil
import subprocess

from harness.processes import REPOSITORY, TARGET, TOOLS, run

BUILT = TARGET / "deploy/sam"
RELEASE = TARGET / "release"
# Simulates tenants, and asks the stack.
TENANT = TARGET / "deploy/casbah"
SIGNER = TARGET / "debug/casbah-stack"


def build(with_sam=False, is_dev=False):
    """Seconds of each step."""
    sam, took = TOOLS / "sam/bin/sam", {}
    shared = {
        "PATH": f"{TOOLS / 'sam/bin'}:{os.environ['PATH']}",
        # Absolute and shared: with a folder of its own each function would compile the SDK again.
        "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never",
    }
    took["sam validate --lint"] = run("sam-validate", [sam, "validate", "--lint", "--region", "us-east-1"], **shared)
    infra = [path.relative_to(REPOSITORY) for path in (REPOSITORY / "infra").glob("*.yaml") if path.name != "openapi.yaml"]
    lint = [TOOLS / "sam/bin/cfn-lint", "--regions", "us-east-1", "eu-central-1", "--", "template.yaml", *sorted(map(str, infra))]
    took["cfn-lint"] = run("cfn-lint", lint, **shared)
    # The tests' own, in CI compiled long before this.
    tenant = ["cargo", "build", "--locked", *(["--bins", "--tests"] if is_dev else ["--release", "--bin", "casbah"])]
    took["cargo build of the tenant"] = run("tenant-build", tenant, **shared)
    names = [f"casbah-{name}" for name in folders().values()]
    # With the tests against emulators, which come before this in CI: so all of it was compiled with them.
    tested = ["--bins", "--test", "contracts", *chosen("casbah-platform-aws", *names)]
    development = ["cargo", "build", "--locked", *chosen("casbah-stack"), *(tested if is_dev else [])]
    took["cargo build of the signer"] = run("signer-build", development, **shared)
    if not with_sam and not is_dev:
        command = ["cargo", "build", "--release", "--locked", *chosen(*names)]
        took["cargo build of the functions"] = run("functions-build", command, cwd=REPOSITORY / "functions", **shared)
    shutil.rmtree(BUILT, ignore_errors=True)
    TENANT.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy((TARGET / "debug" if is_dev else RELEASE) / "casbah", TENANT)
    if with_sam:
        command = [sam, "build", "--build-dir", BUILT, "--parameter-overrides", "Architecture=x86_64"]
        took["sam build"] = run("sam-build", command, **shared)
    else:
        lay_out(TARGET / "debug" if is_dev else RELEASE)
    return took


def chosen(*packages):
    return [word for name in packages for word in ("-p", name)]


def folders():
    """The functions of the template: logical name and folder."""
    template = (REPOSITORY / "template.yaml").read_text()
    return dict(re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function\n.*?^      CodeUri: functions/([a-z-]+)$", template,
                           re.MULTILINE | re.DOTALL))


def lay_out(binaries):
    """What `sam build` makes: a folder with a bootstrap for each function, and a template that names these folders."""
    template = (REPOSITORY / "template.yaml").read_text()
    for logical, folder in folders().items():
        (BUILT / logical).mkdir(parents=True)
        bootstrap = BUILT / logical / "bootstrap"
        shutil.copy(binaries / f"casbah-{folder}", bootstrap)
        subprocess.run(["strip", bootstrap], check=True)
        template = template.replace(f"CodeUri: functions/{folder}\n", f"CodeUri: {BUILT / logical}\n")
    template = re.sub(r"(TemplateURL|ReadmeUrl): (?!/)", rf"\1: {REPOSITORY}/", template)
    (BUILT / "template.yaml").write_text(template)

