"""Holds a value against a schema of an OpenAPI 3.0 document and names what differs."""

import datetime
import re

# A chain of references is followed this far; documents refer to themselves only through members.
REFERENCES_MAX = 20

TYPES = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def is_time(text):
    # Fractions of any length are allowed by RFC 3339; the library takes six digits.
    text = re.sub(r"(\.\d{1,6})\d*", r"\1", text)
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False


FORMATS = {"date-time": is_time}


class Schemas:
    """The schemas of one document."""

    def __init__(self, document, of_kind=None):
        self.document = document
        # Finds the schema of what says by `@odata.type` that it is not of the declared type.
        self.of_kind = of_kind or self.component
        self.cache = {}

    def component(self, kind):
        held = self.document.get("components", {}).get("schemas", {})
        return held.get(kind.removeprefix("#"))

    def at(self, reference):
        found = self.document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def resolved(self, schema):
        for _ in range(REFERENCES_MAX):
            if "$ref" not in schema:
                return schema
            schema = self.at(schema["$ref"])
        raise ValueError("references go round in a circle")

    def faults(self, schema, value, where=""):
        """What of a value the schema does not allow, as (place, what) without the value itself."""
        if isinstance(value, dict) and "@odata.type" in value:
            schema = self.of_kind(value["@odata.type"]) or schema
        schema = self.merged(schema)
        if schema["open"]:
            return
        if value is None:
            # A schema that says nothing of a type allows null as anything else.
            if not schema["nullable"] and schema["type"]:
                yield where, "null"
            return
        if schema["any"]:
            yield from self.none_fits(schema, value, where)
            return
        kind = schema["type"]
        if kind and not TYPES[kind](value):
            yield where, f"not {kind}"
            return
        if schema["enum"] and value not in schema["enum"]:
            yield where, "not in the list of values"
        if isinstance(value, str):
            yield from text_faults(schema, value, where)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield from number_faults(schema, value, where)
        if isinstance(value, list) and schema["items"] is not None:
            for item in value:
                yield from self.faults(schema["items"], item, where + "[]")
        if isinstance(value, dict):
            yield from self.member_faults(schema, value, where)

    def none_fits(self, schema, value, where):
        """Of several schemas one must allow the value; if none does, the nearest one says why."""
        some = [one for one in schema["any"] if self.is_of_type(one, value)] or schema["any"]
        tries = [list(self.faults(one, value, where)) for one in some]
        yield from min(tries, key=len)

    def is_of_type(self, schema, value):
        """Whether what an object says in `type`, the name of its kind at Box, is what the schema is of."""
        named = self.merged(schema)["properties"].get("type")
        kinds = self.merged(named)["enum"] if named else None
        return not isinstance(value, dict) or not kinds or value.get("type") in kinds

    def member_faults(self, schema, value, where):
        for name in schema["required"]:
            # Microsoft's document requires `@odata.type` everywhere; it is sent where it is needed (as above, 4.6.3).
            if name not in value and not is_annotation(name):
                yield f"{where}.{name}", "missing"
        for name, inner in value.items():
            if name in schema["properties"]:
                yield from self.faults(schema["properties"][name], inner, f"{where}.{name}")
            elif isinstance(schema["rest"], dict) and schema["rest"]:
                yield from self.faults(schema["rest"], inner, f"{where}.*")
            elif schema["properties"] and not schema["rest"] and not is_annotation(name):
                yield f"{where}.{name}", "not described"

    def merged(self, schema):
        """One schema with the parts of `allOf` laid on top of each other."""
        key = id(schema)
        if key not in self.cache:
            # The schema is kept beside what was made of it, so that its id stays its own.
            self.cache[key] = (schema, self.merge(schema))
        return self.cache[key][1]

    def merge(self, schema):
        schema = self.resolved(schema)
        some = schema.get("oneOf") or schema.get("anyOf") or []
        one = {
            "type": schema.get("type"),
            "nullable": schema.get("nullable", False) or any(is_null_only(one) for one in some),
            "enum": schema.get("enum"),
            "properties": dict(schema.get("properties", {})),
            "required": list(schema.get("required", [])),
            "items": schema.get("items"),
            "any": [one for one in some if not is_null_only(one)],
            "rest": schema.get("additionalProperties"),
            "limits": schema,
        }
        for part in schema.get("allOf", []):
            part = self.merge(part)
            for name in ("type", "enum", "items", "any", "rest"):
                one[name] = one[name] or part[name]
            one["nullable"] = one["nullable"] or part["nullable"]
            one["properties"] = part["properties"] | one["properties"]
            one["required"] += part["required"]
            one["limits"] = part["limits"] | one["limits"]
        one["open"] = not any(one[name] for name in ("type", "enum", "properties", "required", "items", "any", "rest"))
        return one


def is_null_only(schema):
    """How Microsoft's documents write that an object may be null: as one of two, the other an object of no kind."""
    return schema == {"type": "object", "nullable": True}


def is_annotation(name):
    """OData adds control information to any object (OData JSON Format 4.01, 4.6)."""
    return "@" in name


def text_faults(schema, value, where):
    limits = schema["limits"]
    check = FORMATS.get(limits.get("format"))
    if check and not check(value):
        yield where, f"not of the form {limits['format']}"
    if "pattern" in limits and not matches(limits["pattern"], value):
        yield where, "not of the pattern"
    if len(value) > limits.get("maxLength", len(value)) or len(value) < limits.get("minLength", 0):
        yield where, "not of the length"


def matches(pattern, value):
    try:
        return re.search(pattern, value)
    except re.error:
        # Patterns are of ECMAScript; the few that Python cannot read say nothing about numbers and dates.
        return True


def number_faults(schema, value, where):
    limits = schema["limits"]
    if value < limits.get("minimum", value) or value > limits.get("maximum", value):
        yield where, "out of the range"
