"""Builds the functions and the simulated tenant, and checks the template on the way.

By default the functions are built by cargo into the folder that everything else is built into, so that what is shared
with the rest of CI is compiled once, and laid out as `sam build` does. `--sam-build` does what a cloud team does, which
compiles all of it again for cargo-lambda's linker.
"""

import os
import re
import shutil
import subprocess

from harness.processes import REPOSITORY, TARGET, TOOLS, run

BUILT = TARGET / "deploy/sam"
RELEASE = TARGET / "release"
TENANT = RELEASE / "casbah"
# Amazon Linux 2023 has glibc 2.34 (Amazon Linux 2023 user guide, "Package versions").
GLIBC = (2, 34)


def build(with_sam=False):
    """Seconds of each step."""
    sam, took = TOOLS / "sam/bin/sam", {}
    shared = {
        "PATH": f"{TOOLS / 'sam/bin'}:{os.environ['PATH']}",
        # Absolute and shared: with a folder of its own each function would compile the SDK again.
        "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never",
    }
    took["sam validate --lint"] = run("sam-validate", [sam, "validate", "--lint", "--region", "us-east-1"], **shared)
    lint = [TOOLS / "sam/bin/cfn-lint", "--regions", "us-east-1", "eu-central-1", "--", "template.yaml", "infra/observability.yaml"]
    took["cfn-lint"] = run("cfn-lint", lint, **shared)
    packages = ["casbah-platform-local"] + ([] if with_sam else [f"casbah-{name}" for name in folders().values()])
    chosen = [word for name in packages for word in ("-p", name)]
    took["cargo build"] = run("cargo-build", ["cargo", "build", "--release", "--locked", *chosen], **shared)
    shutil.rmtree(BUILT, ignore_errors=True)
    if with_sam:
        command = [sam, "build", "--build-dir", BUILT, "--parameter-overrides", "Architecture=x86_64"]
        took["sam build"] = run("sam-build", command, **shared)
    else:
        lay_out()
    return took


def folders():
    """The functions of the template: logical name and folder."""
    template = (REPOSITORY / "template.yaml").read_text()
    return dict(re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function\n.*?^      CodeUri: functions/([a-z-]+)$", template,
                           re.MULTILINE | re.DOTALL))


def lay_out():
    """What `sam build` makes: a folder with a bootstrap for each function, and a template that names these folders."""
    template = (REPOSITORY / "template.yaml").read_text()
    for logical, folder in folders().items():
        (BUILT / logical).mkdir(parents=True)
        bootstrap = BUILT / logical / "bootstrap"
        shutil.copy(RELEASE / f"casbah-{folder}", bootstrap)
        subprocess.run(["strip", bootstrap], check=True)
        template = template.replace(f"CodeUri: functions/{folder}\n", f"CodeUri: {BUILT / logical}\n")
    template = re.sub(r"(TemplateURL|ReadmeUrl): (?!/)", rf"\1: {REPOSITORY}/", template)
    (BUILT / "template.yaml").write_text(template)


def sizes():
    """Bytes of each function as it is and as a package, and the glibc it needs."""
    found = {}
    for logical, folder in folders().items():
        bootstrap = BUILT / logical / "bootstrap"
        archive = shutil.make_archive(str(BUILT.parent / f"package-{folder}"), "zip", BUILT / logical)
        symbols = subprocess.run(["objdump", "-T", bootstrap], capture_output=True, text=True).stdout
        needed = max((tuple(map(int, one.split("."))) for one in re.findall(r"GLIBC_([\d.]+)", symbols)), default=(0,))
        found[folder] = {"bytes": bootstrap.stat().st_size, "package": os.path.getsize(archive), "glibc": needed}
        os.unlink(archive)
    return found
