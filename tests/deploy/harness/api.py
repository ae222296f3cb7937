"""The API as its callers see it: through API Gateway, signed with SigV4."""

import http.client
import json
import time
import uuid
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.processes import Trouble

# API Gateway gives up after 30 s (API Gateway developer guide, "Quotas").
REQUEST_SECONDS = 40
# What others are changing in this moment is answered 503 with Retry-After.
BUSY_TRIES = 5
# A list that is being built is there within some seconds; more than a minute is a fault.
BUILD_SECONDS = 90


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:600].decode('utf-8', 'replace')}"


class Api:
    """`port` is the recorder's; the host name says which API is meant, as on AWS."""

    def __init__(self, url, port, key="test", secret="test"):
        self.host, self.port = urlsplit(url).netloc, port
        self.signer = SigV4Auth(Credentials(key, secret), "execute-api", "us-east-1")

    def call(self, method, path, body=None, headers=None, sign=True):
        given = {"Host": self.host, **(headers or {})}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        if method == "POST":
            given.setdefault("Idempotency-Key", str(uuid.uuid4()))
        if sign:
            request = AWSRequest(method, f"http://{self.host}{path}", data=data, headers=given)
            self.signer.add_auth(request)
            given = dict(request.headers.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        try:
            connection.request(method, path, data, given)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path, **query):
        path = f"/v1{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        for _ in range(BUSY_TRIES):
            answer = self.call("GET", path)
            if answer.status != 503 or "retry-after" not in answer.headers:
                break
            time.sleep(min(float(answer.headers["retry-after"]), 5))
        if answer.status not in (200, 202):
            raise Trouble(f"GET {path} answered {answer}")
        return answer

    def post(self, path, body=None, expect=(200, 202)):
        answer = self.call("POST", f"/v1{path}", body)
        if answer.status not in expect:
            raise Trouble(f"POST {path} answered {answer}")
        return answer

    def rows(self, path, **query):
        """Every row of a list, page by page, waiting while it is built."""
        rows, token, until = [], None, time.monotonic() + BUILD_SECONDS
        while True:
            more = {"next_token": token} if token else {}
            answer = self.get(path, limit=1000, **query, **more)
            page = answer.json()
            token = page.get("next_token")
            if answer.status == 202:
                if time.monotonic() > until:
                    raise Trouble(f"{path} is still being built after {BUILD_SECONDS} s")
                time.sleep(min(float(answer.headers.get("retry-after", 1)), 3))
                continue
            rows += page["items"]
            if not token:
                return rows
