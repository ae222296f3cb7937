"""Actions through the API of a deployed stack: one that nobody else has to agree to, and one over two accounts that takes a
second person. Both are looked for at the vendor, and put back."""

import json

from harness.api import Api
from harness.follow import until

# A turn of actions begins within seconds of being asked for; the clock would begin one after two minutes.
ACTION_SECONDS = 180
GOING_ON = {"planning", "approved", "applying", "undoing"}


def examine(checks, lab, api, connection, tenant):
    stage = Stage(lab, api, connection, tenant)
    admins = {row.get("holder") for row in api.rows(f"/connections/{connection}/privileges")}
    accounts = api.rows(f"/connections/{connection}/users", kind="member", status="enabled")
    plain = [row["id"] for row in accounts if row["id"] not in admins]
    alone(checks, stage, plain[:1])
    together(checks, stage, approver(lab), plain[1:3])


def alone(checks, stage, targets):
    before = stage.disabled()
    action = stage.ask(targets, "apply")
    after = stage.at_rest(action)
    checks.equal("one account is suspended without a second person", outcome(after), ("verified", 1, None))
    checks.equal("and is disabled at the vendor", stage.disabled(), before + 1)
    undone = stage.put_back(action)
    checks.equal("and is put back", (undone["state"], stage.disabled()), ("undone", before))


def together(checks, stage, approver, targets):
    before = stage.disabled()
    action = stage.ask(targets, "plan")
    planned = stage.at_rest(action)
    checks.equal("two accounts wait for a second person", (planned["state"], bool(planned["needs_approval"])), ("pending", True))
    own = stage.api.call("POST", f"/v1{stage.path}/{action}/approve")
    checks.equal("who is not whoever asked", (own.status, own.json().get("code")), (403, "not-approver"))
    checks.equal("and nothing is done before", stage.disabled(), before)
    allowed = approver.call("POST", f"/v1{stage.path}/{action}/approve")
    checks.equal("somebody else agrees", allowed.status, 200)
    after = stage.at_rest(action)
    checks.equal("then both are suspended, and who agreed is named", outcome(after), ("verified", 2, allowed.json()["approved_by"]))
    checks.equal("and are disabled at the vendor", stage.disabled(), before + 2)
    waiting = stage.put_back(action)
    checks.equal("putting both back waits for a second person, too", (waiting["state"], waiting["is_undo"]), ("pending", True))
    allowed = approver.call("POST", f"/v1{stage.path}/{action}/approve")
    checks.equal("who agrees again", allowed.status, 200)
    stage.at_rest(action)
    units = stage.api.rows(f"{stage.path}/{action}/units")
    checks.equal("both are put back", ([unit["outcome"] for unit in units], stage.disabled()), (["undone", "undone"], before))


def outcome(action):
    return action["state"], action["counts"]["verified"], action["approved_by"]


def approver(lab):
    """Somebody else, who may do what an operator may."""
    iam = lab.client("iam")
    iam.create_user(UserName="approver")
    iam.attach_user_policy(UserName="approver", PolicyArn=lab.outputs["OperatePolicyArn"])
    key = iam.create_access_key(UserName="approver")["AccessKey"]
    return Api(lab.outputs["ApiUrl"], lab.port, key["AccessKeyId"], key["SecretAccessKey"])


class Stage:
    """A connection that may act, and its tenant."""

    def __init__(self, lab, api, connection, tenant):
        self.lab, self.api, self.tenant = lab, api, tenant
        self.path = f"/connections/{connection}/actions"

    def disabled(self):
        """Accounts that are disabled, as the vendor has it."""
        return self.tenant.holds()["disabled"]

    def ask(self, targets, wish):
        body = {"kind": "suspend-user", "targets": targets, "reason": "the deploy test", "wish": wish}
        return self.api.post(self.path, body).json()["id"]

    def put_back(self, action):
        self.api.post(f"{self.path}/{action}/undo", {"reason": "the deploy test is over"})
        return self.at_rest(action)

    def at_rest(self, action):
        """The action, once nothing goes on with it."""

        def look():
            found = self.api.get(f"{self.path}/{action}").json()
            return (found if found["state"] not in GOING_ON else None), json.dumps(found)

        return until(self.lab, f"the end of action {action}", ACTION_SECONDS, look, 1)[0]
