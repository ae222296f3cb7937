"""Reads a description from an OpenAPI 3.0 document."""

import json

from description import Description, Operation, Parameter
from schema import Schemas, TYPES

METHODS = ("get", "post", "put", "patch", "delete", "options")


def read(path, source):
    with open(path, "rb") as file:
        document = json.load(file)
    schemas = Schemas(document)
    operations = []
    for template, item in document["paths"].items():
        shared = [schemas.resolved(one) for one in item.get("parameters", [])]
        for method in METHODS:
            if method in item:
                # Box tells two forms of one address apart by a fragment.
                operations.append(operation(schemas, template.split("#")[0], method, item[method], shared))
    return Description(source, operations)


def operation(schemas, template, method, about, shared):
    found = shared + [schemas.resolved(one) for one in about.get("parameters", [])]
    body = schemas.resolved(about.get("requestBody", {}))
    return Operation(
        method.upper(),
        template,
        [parameter(schemas, one) for one in found],
        {kind: check(schemas, content) for kind, content in body.get("content", {}).items()},
        body.get("required", False),
        {str(status): answer(schemas, one) for status, one in about["responses"].items()},
    )


def check(schemas, content):
    schema = content.get("schema", {})
    return lambda value: schemas.faults(schema, value)


def answer(schemas, about):
    content = schemas.resolved(about).get("content", {})
    for kind, one in content.items():
        if "json" in kind:
            return check(schemas, one)
    return None


def parameter(schemas, about):
    schema = about.get("schema", {})
    return Parameter(about["name"], about["in"], about.get("required", False), lambda text: text_faults(schemas, schema, text))


def text_faults(schemas, schema, text):
    """A parameter is a text; what it stands for is told by its schema."""
    one = schemas.merged(schema)
    if one["type"] == "array":
        for item in text.split(","):
            yield from text_faults(schemas, one["items"] or {}, item)
        return
    try:
        value = parsed(one["type"], text)
    except ValueError:
        yield "", f"not {one['type']}"
        return
    yield from schemas.faults(schema, value)


def parsed(kind, text):
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    assert kind is None or kind in TYPES
    return text
