"""Checks OCSF events, one a line, against the schema of the version, class and profiles that each names."""

import json
import sys
from collections import Counter

import jsonschema_rs
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

# Failures that are shown; the rest are counted.
SHOWN = 20

schemas = {}
validators = {}


def validator(event):
    """The schema's own check of a class, made once for each combination of profiles."""
    metadata = event["metadata"]
    key = (metadata["version"], event["class_uid"], tuple(metadata["profiles"]))
    if key not in validators:
        version, class_uid, profiles = key
        if version not in schemas:
            schemas[version] = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
        schema = schemas[version]
        name = schema.lookup_class_name_from_uid(class_uid)
        validators[key] = jsonschema_rs.validator_for(schema.get_class_schema(class_name=name, profiles=list(profiles)))
    return validators[key]


def unique(pairs):
    """Refuses an object that has a name twice, which most readers take and some do not."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"a name twice: {sorted(name for name in names if names.count(name) > 1)[0]}")
    return dict(pairs)


def faults(line):
    try:
        event = json.loads(line, object_pairs_hook=unique)
    except ValueError as error:
        return [str(error)]
    found = [f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in validator(event).iter_errors(event)]
    # What the schema says in words only.
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid is not made of class_uid and activity_id")
    if event["category_uid"] != event["class_uid"] // 1000:
        found.append("category_uid is not that of the class")
    return found


counts = Counter()
for path in sys.argv[1:]:
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            found = faults(line)
            counts["failed" if found else "passed"] += 1
            if found and counts["failed"] <= SHOWN:
                print(f"{path}:{number}: {'; '.join(found[:3])}\n  {line[:300].decode(errors='replace')}", file=sys.stderr)
print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(1 if counts["failed"] or not counts["passed"] else 0)
