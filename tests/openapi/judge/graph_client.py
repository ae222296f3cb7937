"""Reads a description from the client that Microsoft generates from its own OpenAPI document: the wheel `msgraph-sdk`.

It is newer than the copy of the document that is at hand, and says less: no limits and no required members. The wheel is
read as it is; sixteen thousand modules take longer to install than to search.
"""

import re
import zipfile

from description import Description, Operation, Parameter
from document import text_faults
from schema import Schemas

ROOT = "msgraph/generated/"
TEMPLATE = re.compile(r'"\{\+baseurl\}([^"]*)"')
SENT = re.compile(r"async def (get|post|put|patch|delete)\(self(.*?)(?=\n    (?:async )?def )", re.DOTALL)
ANSWER = re.compile(r"send_(collection_)?async\(request_info, (\w+),")
BODY = re.compile(r"^,body: (\w+)")
MEMBER = re.compile(r'"([^"]+)": lambda n : setattr\(self, \'\w+\', n\.get_(\w+?)_values?\(([^)]*)\)\)')
PARENT = re.compile(r"^class \w+\((\w+)", re.MULTILINE)
QUERY = re.compile(r"^        (\w+): Optional\[(.+)\] = None$", re.MULTILINE)
WIRE = re.compile(r'if original_name == "(\w+)":\s+return "([^"]+)"')

TEXT = {"type": "string", "nullable": True}
PLAIN = {
    "str": TEXT,
    "uuid": TEXT,
    "bool": {"type": "boolean", "nullable": True},
    "int": {"type": "integer", "nullable": True},
    "float": {"type": "number", "nullable": True},
    "datetime": TEXT | {"format": "date-time"},
    "date": TEXT,
    "time": TEXT,
    "timedelta": TEXT,
    "bytes": TEXT,
}
# What a query parameter of each type of the client is on the wire.
SENT_AS = {"bool": {"type": "boolean"}, "int": {"type": "integer"}, "list[str]": {"type": "array", "items": {"type": "string"}}}


class Models:
    """The models of the client, each read when it is asked for."""

    def __init__(self, wheel):
        self.wheel = wheel
        self.names = set(wheel.namelist())
        self.known = {}
        self.schemas = Schemas({}, self.of_kind)

    def text(self, path):
        return self.wheel.read(path).decode()

    def of_kind(self, kind):
        """`#microsoft.graph.user` is written beside what is not of the declared type."""
        name = kind.removeprefix("#microsoft.graph.")
        return self.at(f"{ROOT}models/{snake(name)}.py")

    def at(self, path):
        if path not in self.names:
            return None
        if path not in self.known:
            self.known[path] = schema = {"type": "object", "nullable": True, "properties": {}}
            text = self.text(path)
            parent = PARENT.search(text)
            above = self.imported(path, text, parent[1]) if parent else None
            if above:
                schema["properties"] |= above["properties"]
            for name, kind, argument in MEMBER.findall(text):
                schema["properties"][name] = self.member(path, text, kind, argument)
        return self.known[path]

    def imported(self, path, text, name):
        """The model of a name that a module imports."""
        found = re.search(rf"from (\.+)([\w.]*) import {name}$", text, re.MULTILINE)
        if not found:
            return None
        folder = path.split("/")[: -len(found[1])]
        return self.at("/".join(folder + found[2].split(".")) + ".py")

    def member(self, path, text, kind, argument):
        if kind.startswith("collection_of_"):
            inner = self.inner(path, text, kind, argument)
            return {"type": "array", "nullable": True, "items": inner}
        return self.inner(path, text, kind, argument)

    def inner(self, path, text, kind, argument):
        if "object" in kind:
            return self.imported(path, text, argument) or {}
        if "enum" in kind:
            return TEXT | {"enum": self.values(path, text, argument)}
        return PLAIN.get(argument if "primitive" in kind else kind, {})

    def values(self, path, text, name):
        found = re.search(rf"from (\.+)([\w.]*) import {name}$", text, re.MULTILINE)
        folder = path.split("/")[: -len(found[1])]
        return re.findall(r'= "([^"]*)",?$', self.text("/".join(folder + found[2].split(".")) + ".py"), re.MULTILINE)


def read(path, source):
    models = Models(zipfile.ZipFile(path))
    operations = []
    for name in models.names:
        if name.startswith(ROOT) and name.endswith("_request_builder.py"):
            operations += of_builder(models, name, models.text(name))
    return Description(source, operations)


def of_builder(models, path, text):
    template = TEMPLATE.search(text)
    if not template:
        return
    called, _, query = template[1].partition("{?")
    names = [decoded(one) for one in query.rstrip("}").split(",") if one]
    types = dict(QUERY.findall(text))
    wire = {decoded(sent): held for held, sent in WIRE.findall(text)}
    for method, held in SENT.findall(text):
        found = ANSWER.search(held)
        model = (lambda found=found: models.imported(path, text, found[2])) if found else (lambda: None)
        parameters = [parameter(models, name, types.get(wire.get(name, name), "str"), model) for name in names]
        yield Operation(
            method.upper(),
            decoded(called),
            parameters,
            body(models, path, text, held),
            bool(BODY.match(held)),
            {"2XX": answer(models, model) if found else None, "default": None},
        )


def parameter(models, name, kind, model):
    schema = SENT_AS.get(kind, {"type": "string"})

    def faults(text):
        yield from text_faults(models.schemas, schema, text)
        members = properties(model())
        if name in ("$select", "$expand") and members:
            for chosen in text.split(","):
                # `manager($select=id)`, `fields/title`: the first word is the member.
                if re.split(r"[/(]", chosen)[0] not in members:
                    yield "", "not in the list of values"

    return Parameter(name, "query", False, faults)


def properties(model):
    """Members of what is answered, or of each of them where it is a list."""
    held = (model or {}).get("properties", {})
    return held["value"].get("items", {}).get("properties") if "value" in held else held


def body(models, path, text, held):
    found = BODY.match(held)
    if not found:
        return {}
    return {"application/json": lambda value: models.schemas.faults(models.imported(path, text, found[1]) or {}, value)}


def answer(models, model):
    return lambda value: models.schemas.faults(model() or {}, value)


def decoded(text):
    return text.replace("%24", "$").replace("%2D", "-")


def snake(name):
    """As the client names the module of a type."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
