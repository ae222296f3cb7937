#!/usr/bin/env python3
"""Compares what functions did with what their roles allow.

Prints every call that no statement allows and every pair of action and resource that no call needed, and ends with 1
when there is one of either. What a deploy on an emulator cannot exercise stands in allow.txt with its reason; a reason
that is not needed is an error too. README.md says what the inputs look like.
"""

import argparse
import fnmatch
import json
import sys
from pathlib import Path

# Any region and account would do: statements and calls are given the same.
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()

# Operations whose permission has another name (Service authorization reference, page of each service). What is not
# named here needs the permission of its own name.
PERMISSIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
# Writes of a transaction need the permission of the single write (DynamoDB developer guide, "Using IAM with DynamoDB
# transactions").
IN_TRANSACTION = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}


class Template:
    """The processed template with its intrinsic functions resolved."""

    def __init__(self, template, parameters, physical, stack):
        self.body = template
        self.physical = physical
        self.values = {name: str(spec.get("Default", "")) for name, spec in template.get("Parameters", {}).items()}
        self.values.update(parameters)
        self.values.update(PSEUDO)
        self.values["AWS::StackName"] = stack

    def condition(self, name):
        return self.truth(self.body["Conditions"][name])

    def truth(self, expression):
        (function, given), = expression.items()
        if function == "Fn::Equals":
            left, right = (str(self.resolve(one)) for one in given)
            return left == right
        if function == "Fn::Not":
            return not self.truth(given[0])
        if function == "Fn::And":
            return all(self.truth(one) for one in given)
        if function == "Fn::Or":
            return any(self.truth(one) for one in given)
        if function == "Condition":
            return self.condition(given)
        raise ValueError(f"a condition uses {function}, which is not known here")

    def resolve(self, value):
        if isinstance(value, list):
            return [found for found in map(self.resolve, value) if found is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, given), = value.items()
            if function == "Ref":
                return NO_VALUE if given == "AWS::NoValue" else self.ref(given)
            if function == "Fn::If":
                return self.resolve(given[1] if self.condition(given[0]) else given[2])
            if function == "Fn::Sub":
                return self.sub(given)
            if function == "Fn::GetAtt":
                return self.attribute(*(given.split(".", 1) if isinstance(given, str) else given))
            if function == "Fn::Join":
                return given[0].join(map(str, self.resolve(given[1])))
        resolved = {name: self.resolve(one) for name, one in value.items()}
        return {name: one for name, one in resolved.items() if one is not NO_VALUE}

    def sub(self, given):
        text, extra = (given, {}) if isinstance(given, str) else given
        parts = text.split("${")
        out = parts[0]
        for part in parts[1:]:
            name, rest = part.split("}", 1)
            if name in extra:
                found = self.resolve(extra[name])
            elif "." in name:
                found = self.attribute(*name.split(".", 1))
            else:
                found = self.ref(name)
            out += str(found) + rest
        return out

    def ref(self, name):
        if name in self.values:
            return self.values[name]
        if self.body["Resources"][name]["Type"] == "AWS::SNS::Topic":
            return self.attribute(name, "Arn")
        return self.physical[name]

    def attribute(self, name, attribute):
        kind, physical = self.body["Resources"][name]["Type"], self.physical[name]
        if attribute != "Arn":
            return f"{physical}.{attribute}"
        # Physical ids are names, addresses or ARNs, by kind and emulator; the last part is the name in each.
        last = physical.rstrip("/").split("/")[-1].split(":")[-1]
        return {
            "AWS::DynamoDB::Table": arn("dynamodb", f"table/{last}"),
            "AWS::S3::Bucket": f"arn:aws:s3:::{last}",
            "AWS::SQS::Queue": arn("sqs", last),
            "AWS::SNS::Topic": arn("sns", last),
            "AWS::Lambda::Function": arn("lambda", f"function:{last}"),
            "AWS::Logs::LogGroup": arn("logs", f"log-group:{physical}:*"),
        }.get(kind, physical)

    def functions(self):
        """Short names of the functions, such as user-scan, each with the policy documents of its role."""
        prefix = self.values["AWS::StackName"] + "-"
        for resource in self.body["Resources"].values():
            if resource["Type"] != "AWS::Lambda::Function":
                continue
            name = self.resolve(resource["Properties"]["FunctionName"]).removeprefix(prefix)
            (role, _attribute) = resource["Properties"]["Role"]["Fn::GetAtt"]
            yield name, list(self.documents(self.body["Resources"][role]["Properties"]))

    def documents(self, role):
        for policy in role.get("Policies", []):
            yield self.resolve(policy["PolicyDocument"])
        for given in role.get("ManagedPolicyArns", []):
            if "Fn::If" in given:
                name, then, otherwise = given["Fn::If"]
                given = then if self.condition(name) else otherwise
            if given.get("Ref", "AWS::NoValue") != "AWS::NoValue":
                yield self.resolve(self.body["Resources"][given["Ref"]]["Properties"]["PolicyDocument"])


def arn(service, rest):
    return f"arn:aws:{service}:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}:{rest}"


def several(value):
    return value if isinstance(value, list) else [value]


def pairs(documents):
    """Every action with every resource of what is allowed, and the prefixes that a listing is limited to."""
    for document in documents:
        for statement in document["Statement"]:
            if statement["Effect"] != "Allow":
                continue
            prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [])
            for action in several(statement["Action"]):
                for resource in several(statement["Resource"]):
                    yield action, resource, tuple(several(prefixes))


def needs(call):
    """The permissions that a call needs, as actions and ARNs."""
    service, operation, resource = call["service"], call["action"], call["resource"]
    kind, _, name = resource.partition("/")
    target = {
        "table": lambda: arn("dynamodb", f"table/{name}"),
        "object": lambda: f"arn:aws:s3:::{name}",
        "bucket": lambda: f"arn:aws:s3:::{name}",
        "queue": lambda: arn("sqs", name),
        # Secrets Manager adds six characters (its user guide, "What's in a Secrets Manager secret?").
        "secret": lambda: arn("secretsmanager", f"secret:{name}-AbCdEf"),
        "topic": lambda: arn("sns", name),
    }[kind]()
    if operation in ("TransactWriteItems", "TransactGetItems"):
        return [(IN_TRANSACTION[item], target) for item in sorted(set(call["items"]))]
    action = f"{service}:{operation}"
    return [(PERMISSIONS.get(action, action), target)]


def fits(pair, action, target, call):
    allowed_action, resource, prefixes = pair
    if not (fnmatch.fnmatchcase(action, allowed_action) and fnmatch.fnmatchcase(target, resource)):
        return False
    return not prefixes or any(fnmatch.fnmatchcase(call.get("prefix", ""), one) for one in prefixes)


def read_reasons(path):
    """Lines of `function | action | resource | reason`; each may use * in the first three."""
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 4 or not parts[3]:
            sys.exit(f"{path}:{number}: a line is function | action | resource | reason")
        yield number, parts


def check(template, calls, reasons):
    """Every complaint, in words."""
    roles = {name: set(pairs(documents)) for name, documents in template.functions()}
    used = {name: set() for name in roles}
    missing = {}
    for call in calls:
        name = call["function"].removeprefix("casbah-")
        if name not in roles:
            yield f"{name}: no function of the template has this name"
            continue
        for action, target in needs(call):
            found = {pair for pair in roles[name] if fits(pair, action, target, call)}
            used[name] |= found
            if not found:
                key = (name, action, target.split("/conn=")[0])
                missing[key] = missing.get(key, 0) + 1
    for (name, action, target), count in sorted(missing.items()):
        yield f"{name}: {action} on {target} was called {count} times and is not allowed"
    excused = set()
    for name in sorted(roles):
        for pair in sorted(roles[name] - used[name]):
            action, resource, _ = pair
            matching = {
                number
                for number, (function, actions, resources, _) in reasons
                if fnmatch.fnmatchcase(name, function)
                and fnmatch.fnmatchcase(action, actions)
                and fnmatch.fnmatchcase(resource, resources)
            }
            excused |= matching
            if not matching:
                yield f"{name}: {action} on {resource} is allowed and was never needed"
    for number, parts in reasons:
        if number not in excused and not parts[3].startswith(AT_TIMES):
            yield f"allow.txt:{number}: {' | '.join(parts[:3])} is not needed any more"


# How the reason begins where a run may need the right or not.
AT_TIMES = "at times"


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", required=True, help="the processed template, as JSON")
    parser.add_argument("--resources", required=True, help="physical ids by logical id, as JSON")
    parser.add_argument("--calls", required=True, help="one call a line, as JSON")
    parser.add_argument("--stack", required=True, help="name of the stack")
    parser.add_argument("--parameter", action="append", default=[], help="NAME=VALUE, as deployed")
    parser.add_argument("--allow", default=here / "allow.txt")
    given = parser.parse_args()
    parameters = dict(one.split("=", 1) for one in given.parameter)
    physical = json.loads(Path(given.resources).read_text())
    template = Template(json.loads(Path(given.template).read_text()), parameters, physical, given.stack)
    lines = Path(given.calls).read_text().splitlines()
    calls = [json.loads(line) for line in lines if line.strip()]
    complaints = list(check(template, calls, list(read_reasons(given.allow))))
    for complaint in complaints:
        print(complaint)
    functions = {call["function"] for call in calls}
    print(f"{len(calls)} calls of {len(functions)} functions, {len(complaints)} complaints")
    sys.exit(1 if complaints or not calls else 0)


if __name__ == "__main__":
    main()
