"""A reverse proxy in front of the emulator that writes down every AWS call of a function, one JSON line each.

    recorder.py PORT UPSTREAM_PORT FILE

Who called stands in the User-Agent (`app/NAME`, from AWS_SDK_UA_APP_ID). Calls of nobody, such as those of the test
itself, pass without a line. The words of a line are those of ../policy/README.md, and what the figures need.

It says to the emulator that requests came by TLS, as they do on AWS: the policies of bucket and queues ask for it.
"""

import asyncio
import json
import sys
import time

from calls import describe, units

HEAD_BYTES_MAX = 1 << 16
# A part of an upload, the largest request there is, has 8 MB.
BODY_BYTES_MAX = 64 << 20
# The emulator closes a connection that was idle for 75 s and functions keep theirs for 90 s: a request in between would end
# without an answer, so that nobody knew whether it was done.
IDLE_SECONDS_MAX = 30
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "x-forwarded-proto"}


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
    return first, headers


async def read_body(reader, headers, until_close=False):
    given = {name.lower(): value for name, value in headers}
    if given.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            body += await reader.readexactly(size)
            await reader.readline()
            if size == 0 or len(body) > BODY_BYTES_MAX:
                return body
    if "content-length" in given:
        return await reader.readexactly(int(given["content-length"]))
    return await reader.read(BODY_BYTES_MAX) if until_close else b""


def message(first, headers, body):
    lines = [first] + [f"{name}: {value}" for name, value in headers if name.lower() not in HOP_BY_HOP]
    return lines, body


class Recorder:
    def __init__(self, upstream, file):
        self.upstream, self.file = upstream, file

    async def serve(self, reader, writer):
        back, used = None, 0.0
        try:
            while True:
                first, headers = await read_head(reader)
                if any(name.lower() == "expect" for name, _ in headers):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await read_body(reader, headers)
                if back and time.monotonic() - used > IDLE_SECONDS_MAX:
                    back[1].close()
                    back = None
                if back is None:
                    back = await asyncio.open_connection("127.0.0.1", self.upstream, limit=HEAD_BYTES_MAX)
                if not await self.exchange(first, headers, body, writer, *back):
                    break
                used = time.monotonic()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass  # one of the two hung up
        finally:
            writer.close()
            if back:
                back[1].close()

    async def exchange(self, first, headers, body, writer, there, back):
        began = time.time()
        method, target, _ = first.split(" ", 2)
        call = describe(method, target, headers, body)
        lines, body = message(first, headers, body)
        lines += ["X-Forwarded-Proto: https", f"Content-Length: {len(body)}"]
        back.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        status_line, answered, answer = await self.answer(method, there)
        if call:
            self.write(call, began, int(status_line.split(" ")[1]), body, answered, answer)
        lines, _ = message(status_line, answered, answer)
        if method == "HEAD":
            lines += [f"Content-Length: {value}" for name, value in answered if name.lower() == "content-length"]
        else:
            lines.append(f"Content-Length: {len(answer)}")
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer)
        await writer.drain()
        return not any(name.lower() == "connection" and value.lower() == "close" for name, value in answered)

    async def answer(self, method, there):
        status_line, answered = await read_head(there)
        status = int(status_line.split(" ")[1])
        if status == 100:
            return await self.answer(method, there)
        has_none = method == "HEAD" or status in (204, 304)
        return status_line, answered, b"" if has_none else await read_body(there, answered, until_close=True)

    def write(self, call, began, status, body, answered, answer):
        call.update(status=status, at=round(began, 3), ms=round((time.time() - began) * 1000, 1))
        call.update(sent=len(body), received=len(answer))
        if call["service"] == "dynamodb":
            call.update(units(call["action"], answer))
        if status >= 400:
            call["error"] = error_of(answered, answer)
        self.file.write(json.dumps(call) + "\n")


def error_of(headers, answer):
    for name, value in headers:
        if name.lower() == "x-amzn-errortype":
            return value.split(":")[0]
    text = answer[:4000].decode("utf-8", "replace")
    if "<Code>" in text:
        return text.split("<Code>", 1)[1].split("<", 1)[0]
    try:
        return json.loads(answer)["__type"].split("#")[-1]
    except (ValueError, KeyError, TypeError):
        return "unknown"


async def main(port, upstream, path):
    # One write per line, so that a reader never meets half of one.
    with open(path, "a", buffering=1) as file:
        recorder = Recorder(upstream, file)
        server = await asyncio.start_server(recorder.serve, "127.0.0.1", port, limit=HEAD_BYTES_MAX)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
