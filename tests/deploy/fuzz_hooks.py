"""What a client of the API does by habit: a new key for every intent, no token that nobody gave, a connection that is there."""

import os
import re
import uuid

import schemathesis
from schemathesis.generation import GenerationMode

KEY = "Idempotency-Key"
CONNECTION = os.environ.get("CASBAH_FUZZ_CONNECTION", "")


def is_right(case):
    meta = getattr(case, "meta", None)
    return meta is not None and meta.generation.mode == GenerationMode.POSITIVE


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and re.fullmatch(r"[!-~]{1,64}", key):
        case.headers[KEY] = str(uuid.uuid4())
    if not is_right(case):
        return
    if case.query:
        case.query.pop("next_token", None)
    if CONNECTION and case.method.upper() == "GET" and "connection" in (case.path_parameters or {}):
        case.path_parameters["connection"] = CONNECTION
