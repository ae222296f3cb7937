"""Reads a description from the client that Okta generates from its own OpenAPI document and publishes as `okta`.

The document itself is in no package. What the generator made of it says the same: each method builds one call, and the
models refuse values that their schema does not allow.
"""

import ast
import importlib
import inspect
import pathlib
import pkgutil
import re
import types
import typing

import okta.api
import okta.models
from pydantic import BaseModel, TypeAdapter, ValidationError

from description import Description, Operation, Parameter
from document import parsed

# What a parameter of each type is read as; everything else is text.
KINDS = {bool: "boolean", int: "integer", float: "number"}


def read(source):
    operations = []
    for module in pkgutil.iter_modules(okta.api.__path__):
        path = pathlib.Path(okta.api.__path__[0], module.name + ".py")
        operations += of_module(module.name, ast.parse(path.read_text()))
    return Description(source, operations)


def of_module(name, tree):
    """The operations of a module, which is imported only when one of them is called."""
    for held in tree.body:
        if isinstance(held, ast.ClassDef):
            methods = {one.name: one for one in held.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))}
            for built, node in methods.items():
                if built.endswith("_serialize"):
                    called = built.removeprefix("_").removesuffix("_serialize")
                    yield operation(name, held.name, node, methods[called])


def operation(module, holder, built, called):
    texts = {"method": None, "resource_path": None}
    parameters, accepts, required = [], [], mandatory(called)
    names = {}
    for node in ast.walk(built):
        if isinstance(node, ast.keyword) and node.arg in texts and isinstance(node.value, ast.Constant):
            texts[node.arg] = node.value.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "_query_params.append":
            sent, value = node.args[0].elts
            names[sent.value] = ("query", root(value))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            holds, key = ast.unparse(node.targets[0].value), node.targets[0].slice
            place = {"_path_params": "path", "_header_params": "header"}.get(holds)
            if place and isinstance(key, ast.Constant) and key.value not in ("Accept", "Content-Type"):
                names[key.value] = (place, root(node.value))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "self.select_header_content_type":
            accepts = [one.value for one in node.args[0].elts]
    find = lambda: getattr(getattr(importlib.import_module(f"okta.api.{module}"), holder), called.name)
    for sent, (place, argument) in names.items():
        check = lambda text, argument=argument: text_faults(find(), argument, text)
        parameters.append(Parameter(sent, place, argument in required, check))
    body = next((ast.unparse(one.value) for one in ast.walk(built) if is_body(one)), None)
    return Operation(
        texts["method"],
        texts["resource_path"],
        parameters,
        {kind: body_check(find, body) for kind in accepts} if body else {},
        body in required,
        answers(called),
    )


def is_body(node):
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_body_params" and isinstance(node.value, ast.Name)


def root(value):
    """The argument that a value is made of: `x`, `x.value`, `x.strftime(…)`."""
    while not isinstance(value, ast.Name):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id


def mandatory(called):
    arguments = called.args.args[1:]
    return {one.arg for one in arguments[: len(arguments) - len(called.args.defaults)]}


def answers(called):
    for node in ast.walk(called):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_response_types_map":
            named = ast.literal_eval(node.value)
            return {status: answer_check(kind) if kind else None for status, kind in named.items()}
    return {}


def hint(method, argument):
    return inspect.signature(method).parameters[argument].annotation


def text_faults(method, argument, text):
    kind = hint(method, argument)
    plain = flat(kind)
    try:
        value = text
        if any(isinstance(one, type) and issubclass(one, list) for one in plain):
            value = text.split(",")
        else:
            value = parsed(next((KINDS[one] for one in plain if one in KINDS), None), text)
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        yield from told(error)
    except ValueError as error:
        yield "", str(error)


def flat(kind):
    """The plain types in a type of `typing`."""
    inner = typing.get_args(kind)
    if not inner:
        return [kind]
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return flat(inner[0])
    if origin in (typing.Union, types.UnionType):
        return [one for part in inner for one in flat(part)]
    return [origin]


def body_check(find, argument):
    def check(value):
        model = next((one for one in flat(hint(find(), argument)) if isinstance(one, type) and issubclass(one, BaseModel)), None)
        yield from model_faults(model, value, "") if model else ()

    return check


def answer_check(kind):
    """`User`, `List[User]`; plain types say nothing that is worth a check."""
    many = re.fullmatch(r"List\[(\w+)\]", kind)
    name = many[1] if many else kind

    def check(value):
        model = getattr(okta.models, name, None)
        if model is None:
            return
        if not many:
            yield from model_faults(model, value, "")
        elif not isinstance(value, list):
            yield "", "not array"
        else:
            for item in value:
                yield from model_faults(model, item, "[]")

    return check


def model_faults(model, value, where):
    """What Okta's own reader says of a value, and which members it does not know."""
    try:
        read = model.from_dict(value)
    except ValidationError as error:
        yield from told(error, where)
        return
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # Generated models of which one is to fit overlap, and the generator's reader then refuses what fits several.
        if str(error).startswith("Multiple matches found"):
            return
        yield where, f"{type(error).__name__}: {shortened(str(error))}"
        return
    yield from unknown(read, value, where)


def unknown(read, value, where):
    if isinstance(value, list) and isinstance(read, list):
        for one, inner in zip(read, value):
            yield from unknown(one, inner, where + "[]")
    read = getattr(read, "actual_instance", read)
    if not isinstance(read, BaseModel) or not isinstance(value, dict):
        return
    fields = {one.alias or name: name for name, one in type(read).model_fields.items()}
    for name, inner in value.items():
        if name in fields:
            yield from unknown(getattr(read, fields[name]), inner, f"{where}.{name}")
        elif not is_open(type(read)):
            yield f"{where}.{name}", "not described"


def is_open(model):
    """A schema without members of its own says that there may be any; a profile has those of the org's schema."""
    named = set(model.model_fields) - {"additional_properties"}
    return not named or model.__name__.endswith("Profile")


def told(error, where=""):
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        place = "".join("[]" if isinstance(part, int) else f".{part}" for part in one["loc"])
        yield where + place, shortened(one["msg"])


def shortened(text):
    """Without the values that were met, so that one thing has one name."""
    return re.sub(r"\s+", " ", re.sub(r"'[^']*'|\"[^\"]*\"", "…", text))[:120]
