"""What a vendor says of its API: operations by method and path, each with its parameters, body and answers."""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import unquote


@dataclass
class Parameter:
    name: str
    place: str
    is_required: bool
    # text -> iterable of (place, what)
    faults: object


@dataclass
class Operation:
    method: str
    # As the vendor writes it.
    path: str
    parameters: list
    # content type -> check, or nothing where no body is taken
    bodies: dict = field(default_factory=dict)
    is_body_required: bool = False
    # status, "4XX" or "default" -> check, or None where the answer has no content
    answers: dict = field(default_factory=dict)

    def answer(self, status):
        for known in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if known in self.answers:
                return True, self.answers[known]
        return False, None


class Description:
    """The operations of one vendor, found by a path as it was called."""

    def __init__(self, source, operations):
        self.source = source
        self.by_shape = {}
        for operation in with_roots(operations):
            shape = tuple(segment(part) for part in parts(operation.path))
            self.by_shape.setdefault(len(shape), []).append((shape, operation))

    def find(self, method, path):
        """The operation of a path, the one with the most literal segments first; and the methods that are known of it."""
        called = parts(path)
        fits = []
        for shape, operation in self.by_shape.get(len(called), []):
            if all(known.fullmatch(part) for known, part in zip(shape, called)):
                fits.append((sum(known.groups for known in shape), operation))
        best = min((holes for holes, _ in fits), default=0)
        near = [operation for holes, operation in fits if holes == best]
        for operation in near:
            if operation.method == method:
                return operation, []
        return None, sorted({operation.method for operation in near})


def with_roots(operations):
    """The top of a drive is an item that has a path of its own as well (Microsoft Graph, driveItem: delta, "HTTP request")."""
    for operation in operations:
        yield operation
        if "/items/{driveItem-id}/" in operation.path:
            yield replace(operation, path=operation.path.replace("/items/{driveItem-id}/", "/root/"))


def parts(path):
    return [unquote(part) for part in path.strip("/").split("/")]


def segment(template):
    """A segment of a path as a pattern, a group for each hole; functions of OData may be called by their short name."""
    template = template.removeprefix("microsoft.graph.").removesuffix("()")
    pieces = re.split(r"(\{[^}]*\})", template)
    pattern = "".join("([^/]+?)" if piece.startswith("{") else re.escape(piece) for piece in pieces)
    return re.compile(pattern + (r"(?:\(\))?"))
