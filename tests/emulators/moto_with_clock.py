"""moto with a clock that tests turn: GET /casbah/advance?seconds=720 lets that much time pass for all its services.

Queues are examined with delays and visibility times as they are in production, which nobody waits for.
"""

import datetime
import threading
import urllib.parse

import moto.core.utils
import moto.server

turned = datetime.timedelta()
turn = threading.Lock()
real = moto.core.utils.utcnow
inner = moto.server.DomainDispatcherApplication.__call__


def utcnow():
    return real() + turned


def call(self, environ, start_response):
    global turned
    if environ.get("PATH_INFO") != "/casbah/advance":
        return inner(self, environ, start_response)
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    with turn:
        turned += datetime.timedelta(seconds=float(query["seconds"][0]))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(turned.total_seconds()).encode()]


moto.core.utils.utcnow = utcnow
moto.server.DomainDispatcherApplication.__call__ = call

if __name__ == "__main__":
    moto.server.main()
