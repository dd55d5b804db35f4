"""The least a Python program can do of what `bench_save.py` measures: receive, hash and sync, in six threads.

    python bare_download.py https://127.0.0.1:PORT FOLDER CERTIFICATE < NAMES

Nothing is checked, named or recorded: what this takes is not to be had back.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import queue
import socket
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from mediatui.checksum import crc32

THREADS = 6
BUFFER_BYTES = 1 << 20


def fetch(wire: socket.socket, name: str, target: Path, buffer: memoryview) -> None:
    """One file, of whole pages, past the page cache."""
    wire.sendall(f"GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += wire.recv(1)
    left = int(head.lower().partition(b"content-length:")[2].split()[0])
    sha, crc = hashlib.sha256(), 0
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o666)
    while left:
        wanted, filled = min(left, len(buffer)), 0
        while filled < wanted:
            filled += wire.recv_into(buffer[filled:wanted])
        sha.update(buffer[:wanted])
        crc = crc32(buffer[:wanted], crc)
        left -= os.write(fd, buffer[:wanted])
    os.fdatasync(fd)
    os.close(fd)


def work(address: str, folder: Path, context: ssl.SSLContext, names: queue.SimpleQueue[str]) -> None:
    """Fetch one file after the other over one connection."""
    url = urlsplit(address)
    wire = socket.create_connection((url.hostname or "", url.port or 0))
    if url.scheme == "https":
        wire = context.wrap_socket(wire, server_hostname="localhost")
    buffer = memoryview(mmap.mmap(-1, BUFFER_BYTES))
    with suppress(queue.Empty):
        while name := names.get_nowait():
            fetch(wire, name, folder / name, buffer)


def main() -> None:
    address, folder, certificate = sys.argv[1:]
    names: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in sys.stdin.read().split():
        names.put(name)
    arguments = (address, Path(folder), ssl.create_default_context(cafile=certificate), names)
    threads = [threading.Thread(target=work, args=arguments) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
