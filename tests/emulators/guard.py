"""Runs a server so that it ends with its starter, and, if asked, so that nobody but this machine reaches it.

    guard.py -- COMMAND…                 ends COMMAND when the starter ends, however it ends
    guard.py --fence OUTER:INNER -- …    also: COMMAND runs in a network namespace of its own and may listen on INNER
                                         on all addresses there; 127.0.0.1:OUTER of the ordinary network leads to it

DynamoDB Local listens on all addresses and has no option against it. The listener is opened first and keeps the
namespace it was opened in; connections made after `unshare` belong to the new one: so this process joins both.
"""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1  # linux/prctl.h
CLONE_NEWNET = 0x40000000  # linux/sched.h
CLONE_NEWUSER = 0x10000000
# A chunk of a relayed connection: DynamoDB's largest answer is 1 MB.
CHUNK_BYTES = 1 << 18


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def leave_network():
    """Moves this process to a network namespace that holds nothing but a loopback device."""
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if LIBC.unshare(flags) != 0:
        return os.strerror(ctypes.get_errno())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        import fcntl
        import struct

        # struct ifreq: name and flags IFF_UP | IFF_RUNNING; SIOCSIFFLAGS (netdevice(7)).
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
    return None


async def pump(reader, writer):
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def relay(listener, inner):
    async def answer(reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", inner)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, back), pump(there, writer))

    server = await asyncio.start_server(answer, sock=listener)
    await server.serve_forever()


def main(arguments):
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    die_with_parent()
    if not options:
        os.execvp(command[0], command)
    outer, inner = (int(port) for port in options[1].split(":"))
    listener = socket.create_server(("127.0.0.1", outer))
    refused = leave_network()
    if refused:
        print(f"guard: no network namespace ({refused}): {command[0]} listens on all addresses", file=sys.stderr)
        listener.close()
        os.execvp(command[0], [part.replace(str(inner), str(outer)) for part in command])
    server = subprocess.Popen(command, preexec_fn=die_with_parent)

    async def until_either_ends():
        relaying = asyncio.create_task(relay(listener, inner))
        ended = asyncio.create_task(asyncio.to_thread(server.wait))
        await asyncio.wait([relaying, ended], return_when=asyncio.FIRST_COMPLETED)
        os._exit(server.poll() or 0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: (server.kill(), os._exit(0)))
    asyncio.run(until_either_ends())


if __name__ == "__main__":
    main(sys.argv[1:])
