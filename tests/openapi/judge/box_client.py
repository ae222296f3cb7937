"""Reads a description from the client that Box generates from its own OpenAPI document and publishes as `boxsdk`.

It is newer than the copy of the document that is at hand, and says less: no limits, no forms, not what may be null.
"""

import ast
import datetime
import enum
import importlib
import inspect
import pathlib
import pkgutil
import types
import typing

import box_sdk_gen.managers
from box_sdk_gen.internal.base_object import BaseObject
from box_sdk_gen.internal.null_value import NullValue
from box_sdk_gen.schemas.folder_full import FolderFull
from box_sdk_gen.schemas.folder_mini import FolderMini

from description import Description, Operation, Parameter
from document import text_faults
from schema import Schemas

# Any field of its full form can be asked for with `fields`, also of a folder in a list; the rest of both forms is alike.
FULL = {FolderMini: FolderFull}

PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
# What paths begin with behind the address that the description is for.
BASE = "/2.0"


def read(source):
    schemas = Schemas({})
    operations = []
    for module in pkgutil.iter_modules(box_sdk_gen.managers.__path__):
        path = pathlib.Path(box_sdk_gen.managers.__path__[0], module.name + ".py")
        held = importlib.import_module(f"box_sdk_gen.managers.{module.name}")
        for holder in ast.parse(path.read_text()).body:
            if isinstance(holder, ast.ClassDef):
                operations += of_class(schemas, getattr(held, holder.name), holder)
    return Description(source, operations)


def of_class(schemas, holder, node):
    for method in node.body:
        # Those that call an address which they were given are of no path.
        if isinstance(method, ast.FunctionDef) and "FetchOptions(url=''.join(" in ast.unparse(method):
            yield operation(schemas, getattr(holder, method.name), method)


def operation(schemas, method, node):
    called = next(one for one in ast.walk(node) if isinstance(one, ast.Call) and ast.unparse(one.func) == "FetchOptions")
    sent = {one.arg: one.value for one in called.keywords}
    hints = typing.get_type_hints(method)
    maps = {ast.unparse(one.target): one.value for one in ast.walk(node) if isinstance(one, ast.AnnAssign)}
    arguments = inspect.signature(method).parameters
    query = members(maps.get(ast.unparse(sent["params"]))) if "params" in sent else {}
    head = members(maps.get(ast.unparse(sent["headers"]))) if "headers" in sent else {}
    parameters = [parameter(schemas, name, place, arguments[used], hints[used]) for place, held in (("query", query), ("header", head)) for name, used in held.items() if used in arguments]
    answer = hints.get("return")
    schema = schema_of(answer) if answer not in (None, type(None)) else None
    check = (lambda value: schemas.faults(schema, value)) if schema else None
    kind = ast.literal_eval(sent["content_type"]) if "content_type" in sent else None
    body = body_of(method, maps, arguments, hints)
    return Operation(
        ast.literal_eval(sent["method"]),
        path_of(sent["url"]),
        parameters,
        {kind: lambda value: schemas.faults(body, value)} if kind else {},
        bool(kind),
        {"2XX": check, "default": None},
    )


def path_of(url):
    """`''.join([base, '/2.0/folders/', to_string(folder_id), '/items'])`"""
    pieces = [one.value if isinstance(one, ast.Constant) else "{" + ast.unparse(one) + "}" for one in url.args[0].elts[1:]]
    return "".join(pieces).removeprefix(BASE)


def members(value):
    """`prepare_params({'limit': to_string(limit), **extra_headers})`: name on the wire -> argument."""
    if not isinstance(value, ast.Call):
        return {}
    pairs = zip(value.args[0].keys, value.args[0].values)
    return {key.value: root(inner) for key, inner in pairs if isinstance(key, ast.Constant)}


def root(value):
    while isinstance(value, ast.Call):
        value = value.args[0]
    return ast.unparse(value)


def parameter(schemas, name, place, argument, hint):
    schema = schema_of(hint)
    is_required = argument.default is inspect.Parameter.empty
    return Parameter(name, place, is_required, lambda text: text_faults(schemas, schema, text))


def body_of(method, maps, arguments, hints):
    held = maps.get("request_body")
    if not isinstance(held, ast.Dict):
        return {}
    sent = {key.value: root(value) for key, value in zip(held.keys, held.values) if isinstance(key, ast.Constant)}
    sent = {name: used for name, used in sent.items() if used in arguments}
    return {
        "type": "object",
        "properties": {name: schema_of(hints[used]) for name, used in sent.items()},
        "required": [name for name, used in sent.items() if arguments[used].default is inspect.Parameter.empty],
    }


classes = {}


def schema_of(hint):
    """A type of the client as a schema; classes refer to each other, so each is made once."""
    inner, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        some = [one for one in inner if one not in (type(None), NullValue)]
        is_nullable = len(some) < len(inner)
        if len(some) == 1:
            return schema_of(some[0]) | {"nullable": is_nullable}
        return {"oneOf": [schema_of(one) for one in some], "nullable": is_nullable}
    if origin is list:
        return {"type": "array", "items": schema_of(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(inner[1]) if inner else True}
    if not isinstance(hint, type):
        return {}
    if issubclass(hint, enum.Enum):
        return {"type": "string", "enum": [one.value for one in hint]}
    if issubclass(hint, datetime.datetime) or hint.__name__ == "DateTime":
        return {"type": "string", "format": "date-time"}
    if issubclass(hint, BaseObject):
        return class_schema(FULL.get(hint, hint))
    return {"type": PLAIN[hint]} if hint in PLAIN else {}


def class_schema(one):
    if one not in classes:
        classes[one] = schema = {"type": "object", "properties": {}, "required": []}
        hints = typing.get_type_hints(one.__init__)
        for name, argument in list(inspect.signature(one.__init__).parameters.items())[1:]:
            if argument.kind is inspect.Parameter.VAR_KEYWORD:
                continue
            shown = one._fields_to_json_mapping.get(name, name)
            schema["properties"][shown] = schema_of(hints[name])
            if argument.default is inspect.Parameter.empty:
                schema["required"].append(shown)
    return classes[one]
