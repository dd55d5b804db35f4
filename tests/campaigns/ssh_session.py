"""The interface over a real ssh connection, with and without tmux, on a slow line: what works, and how fast.

``python -m tests.campaigns.ssh_session [--bps 1000000] [--rtt 40] [--size 100x30] [--compress] [--only plain|tmux]``

It starts an sshd of its own on a loopback port, with keys and settings in a temporary folder, and puts a line of so
many bits a second between ssh and it. Needs OpenSSH's sshd and, for that half, tmux. Nothing of yours is read or
changed. Every step prints what it found; the exit code is 1 when one failed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import getpass
import json
import os
import re
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pyte
from tests.support.terminal import Terminal as ProgramTerminal

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
QUIET = 0.35
"""Seconds without a byte after which the terminal counts as settled."""

CUT = "cut while it was made"
QUERY = b"\x1b[6n"
OSC52 = re.compile(rb"\x1b\]52;c?;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)")
SSHD = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
PrintMotd no
PrintLastLog no
"""
TMUX = """\
set -g default-terminal tmux-256color
set -as terminal-features ',xterm-256color:RGB:clipboard'
set -g set-clipboard on
set -g allow-passthrough on
set -sg escape-time 10
set -g status off
"""


class SlowLine:
    """A TCP proxy to `port`: so many bits a second each way, half the round trip on each, little room before it."""

    def __init__(self, port: int, bps: float, rtt: float) -> None:
        self._target, self._bps, self._half = port, bps, rtt / 2
        self.down = 0
        """Bytes that went to the terminal's side, as ssh sent them."""
        self.port = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(5)

    async def _serve(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        server = await asyncio.start_server(self._accept, sock=listener)
        self._ready.set()
        async with server:
            await server.serve_forever()

    async def _accept(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)  # what is on the line is not in a buffer
        far.connect(("127.0.0.1", self._target))
        there, forth = await asyncio.open_connection(sock=far, limit=4 << 10)
        await asyncio.gather(self._carry(here, forth, up=True), self._carry(there, back, up=False))

    async def _carry(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, up: bool) -> None:
        room: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(16)
        loop = asyncio.get_running_loop()

        async def deliver() -> None:
            while True:
                due, data = await room.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not data:
                    to.close()
                    return
                if not to.is_closing():
                    with suppress(OSError):  # the other end is gone; the end of this side comes next
                        to.write(data)
                        await to.drain()

        delivering = asyncio.create_task(deliver())
        free = 0.0
        while data := await _read(source):
            self.down += 0 if up else len(data)
            free = max(free, loop.time()) + (len(data) * 8 / self._bps if self._bps else 0.0)
            await room.put((free + self._half, data))
            await asyncio.sleep(max(0.0, free - loop.time()))  # the line takes the next one when it is free
        await room.put((loop.time() + self._half, b""))
        await delivering


async def _read(source: asyncio.StreamReader) -> bytes:
    """What came; nothing at the end, also of a connection that broke."""
    try:
        return await source.read(1400)
    except OSError:
        return b""


class Terminal(ProgramTerminal):
    """A terminal with ssh in it, which answers what programs ask terminals."""

    def __init__(self, command: list[str], size: tuple[int, int]) -> None:
        environment = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        super().__init__([], environment, size=size, program=command)

    def take(self, data: bytes) -> None:
        """Draw it, and say where the cursor is as often as that is asked."""
        for _ in range(data.count(QUERY)):
            self.send(f"\x1b[{self.screen.cursor.y + 1};{self.screen.cursor.x + 1}R")
        super().take(data)

    def settle(self, patience: float = 10.0) -> None:
        """Wait until nothing comes any more."""
        end, last = time.monotonic() + patience, time.monotonic()
        while time.monotonic() < end and time.monotonic() - last < QUIET:
            if self.read(0.02):
                last = time.monotonic()


class Remote:
    """This machine, as if it were far away."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self._options = folder, options
        columns, rows = map(int, options.size.split("x"))
        self.size = columns, rows
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True
            )  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (folder / "sshd_config").write_text(SSHD.format(port=port, folder=folder))
        (folder / "tmux.conf").write_text(TMUX)
        kept = {f"XDG_{kind.upper()}_HOME": f"{folder}/{kind}" for kind in ("data", "config", "state", "cache")}
        self.environment = {**kept, "HOME": str(folder), "PYTHONPATH": str(options.source), "LANG": "C.UTF-8"}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.environment.items()]
        start = f"echo $$ > {folder}/pid; exec {sys.executable} -m mediatui --sandbox"
        self._script("app", [*lines, start])
        self._script("tmux", [*lines, f"exec tmux -L {folder.name} -f {folder}/tmux.conf new -A -s media {folder}/app"])
        daemon = shutil.which("sshd") or "/usr/sbin/sshd"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._daemon = subprocess.Popen([daemon, "-D", "-f", folder / "sshd_config", "-E", folder / "sshd.log"])
        self.line = SlowLine(port, options.bps, options.rtt / 1000)

    def _script(self, name: str, lines: list[str]) -> None:
        path = self.folder / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)

    def connect(self, script: str) -> Terminal:
        """ssh, through the slow line, into a script."""
        options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={self.folder}/known", "IdentitiesOnly=yes"]
        options += ["LogLevel=ERROR", f"Compression={'yes' if self._options.compress else 'no'}"]
        command = ["ssh", "-F", "/dev/null", "-tt", "-i", f"{self.folder}/user", "-p", str(self.line.port)]
        for option in options:
            command += ["-o", option]
        terminal = Terminal([*command, f"{getpass.getuser()}@127.0.0.1", f"{self.folder}/{script}"], self.size)
        terminal.start()
        return terminal

    def run(self, *arguments: str) -> dict[str, object]:
        """A command of ours on the far side; its JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "mediatui", "--sandbox", "--json", *arguments],
            env={**self.environment, "PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def app_runs(self) -> bool:
        """The interface's process is there."""
        try:
            os.kill(int((self.folder / "pid").read_text()), 0)
        except (OSError, ValueError):
            return False
        return True

    def close(self) -> None:
        """End what was started here."""
        with suppress(OSError):
            subprocess.run(["tmux", "-L", self.folder.name, "kill-server"], capture_output=True, check=False)
        self._daemon.terminate()
        self._daemon.wait()
        end = time.monotonic() + 10
        while self.app_runs() and time.monotonic() < end:  # it writes down where it stood
            time.sleep(0.05)


class Session:
    """The steps, and what they found."""

    def __init__(self, remote: Remote, script: str) -> None:
        self.remote, self.script = remote, script
        self.terminal = remote.connect(script)
        self.figures: dict[str, object] = {}

    def tell(self, what: str, found: object = "works") -> None:
        """One line."""
        print(f"  {self.script if self.script == 'tmux' else 'ssh':<5} {what:<46} {found}", flush=True)

    def start(self) -> None:
        """The first frame."""
        took = self.terminal.shows("Projects")
        self.terminal.shows("commands")
        self.terminal.settle()
        self.tell("first frame, ssh's own start included", f"{took:.2f} s")

    def generate(self, prompt: str) -> None:
        """A generation by keys, until its file is on disk."""
        self.terminal.send("n")
        self.terminal.shows("^s generates")
        self.terminal.settle()
        self.terminal.send(prompt)
        self.terminal.shows(prompt)
        self.terminal.send("\x13")
        self.terminal.shows("Projects")

    def made(self) -> None:
        """Generation and preview."""
        self.generate("ridges at dusk")
        self.terminal.until(lambda: "✓ saved" in self.terminal.text and "ridges at dusk" in self.terminal.text, "saved")
        self.tell("generation on the sandbox, saved")
        self.terminal.settle()
        self.terminal.until(lambda: self.terminal.text.count("▀") > 40, "the poster")
        self.tell("preview", f"{self.terminal.text.count('▀')} cells of poster")

    def keys(self, what: str, presses: str, count: int) -> None:
        """Latency and bytes of keys that change the screen."""
        terminal, line = self.terminal, self.remote.line
        latencies, seen, sent = [], [], []
        for number in range(count):
            terminal.settle()
            before, shown, carried = list(terminal.screen.display), len(terminal.output), line.down
            attributes = _reverse(terminal.screen)
            start = time.monotonic()
            terminal.send(presses[number % len(presses)])
            terminal.until(
                partial(_changed, terminal.screen, before, attributes),
                f"a change after {presses[number % len(presses)]!r}",
            )
            latencies.append((time.monotonic() - start) * 1000)
            terminal.settle()
            seen.append(len(terminal.output) - shown)
            sent.append(line.down - carried)
        self.tell(
            what,
            f"p50 {statistics.median(latencies):.0f} ms, max {max(latencies):.0f} ms; "
            f"{statistics.median(seen):.0f} bytes a key ({statistics.median(sent):.0f} in ssh), {count} keys",
        )

    def hold(self) -> None:
        """Keys that repeat faster than the line could show every picture."""
        terminal, line, presses = self.terminal, self.remote.line, 76
        terminal.settle()
        carried, began = line.down, time.monotonic()
        for number in range(presses):
            terminal.send("jk"[number % 2])
            due = began + (number + 1) / 25
            while time.monotonic() < due:
                terminal.read(0.005)
        last = released = time.monotonic()
        while time.monotonic() - last < QUIET and last - released < PATIENCE:
            if terminal.read(0.02):
                last = time.monotonic()
        self.tell(
            "25 keys a second for 3 s",
            f"the last byte came {(last - released) * 1000:.0f} ms after the last key; "
            f"{(line.down - carried) / presses:.0f} bytes a key in ssh",
        )

    def play(self) -> None:
        """Playback, and keys while it plays."""
        terminal, line = self.terminal, self.remote.line
        terminal.send("f")
        terminal.until(lambda: "Projects" not in terminal.text and "▀" in terminal.text, "the viewer")
        terminal.settle()
        terminal.send(" ")
        terminal.shows("playing")
        end, begun, carried, latencies = time.monotonic() + 8, time.monotonic(), line.down, []
        words = ("paused", "playing")
        while time.monotonic() < end:
            pause = time.monotonic() + 0.7
            while time.monotonic() < pause:
                terminal.read(0.02)
            for word in words:
                start = time.monotonic()
                terminal.send(" ")
                terminal.shows(word)
                latencies.append((time.monotonic() - start) * 1000)
        rate = (line.down - carried) * 8 / (time.monotonic() - begun) / 1e6
        self.tell(
            "playback",
            f"{rate:.2f} Mbit/s; pause key p50 {statistics.median(latencies):.0f} ms, max {max(latencies):.0f} ms",
        )
        terminal.send("\x1b")
        terminal.shows("Projects")
        terminal.settle()

    def copy(self) -> None:
        """OSC 52 arrives at the terminal."""
        terminal, start = self.terminal, len(self.terminal.output)
        terminal.send("y")
        terminal.shows("rompt")
        terminal.settle()
        terminal.send("p")
        terminal.until(lambda: OSC52.search(terminal.output[start:]), "OSC 52")
        found = {base64.b64decode(text).decode() for text in OSC52.findall(terminal.output[start:])}
        assert found == {"ridges at dusk"}, found
        self.tell("clipboard (OSC 52 at the outer terminal)", repr(found.pop()))
        terminal.settle()

    def resize(self) -> None:
        """Another size, and back."""
        for columns, rows in ((70, 22), (130, 38), self.remote.size):
            self.terminal.resize(columns, rows)
            self.terminal.until(partial(self._has_key_bar, rows), "the key bar")
        self.terminal.settle()
        self.tell("resize 70x22, 130x38 and back")

    def _has_key_bar(self, rows: int) -> bool:
        return "commands" in self.terminal.screen.display[rows - 1]

    def reattach(self) -> None:
        """Detach, and come back."""
        self.terminal.send("\x02d")
        self.terminal.wait()
        self.terminal.end()
        assert self.remote.app_runs()
        self.terminal = self.remote.connect(self.script)
        self.terminal.shows("ridges at dusk")
        self.terminal.settle()
        self.tell("detach and attach again")

    def cut(self) -> None:
        """The line is cut while something is made."""
        prompt = CUT
        self.generate(prompt)
        self.terminal.until(lambda: re.search(r"\d%|queue|working", self.terminal.text), "progress")
        self.terminal.end()
        if self.script == "tmux":
            assert self.remote.app_runs()
            self.terminal = self.remote.connect(self.script)
            self._saved(prompt)
            self.tell("line cut: goes on in tmux, saved on return")
            return
        ends = time.monotonic() + PATIENCE
        while self.remote.app_runs():
            assert time.monotonic() < ends, "the interface did not end with its terminal"
            time.sleep(0.05)
        self.terminal = self.remote.connect(self.script)
        self._saved(prompt)
        self.tell("line cut: ended, picked up at the next start")

    def _saved(self, prompt: str) -> None:
        """It is on the screen, and on disk."""
        self.terminal.shows(prompt)
        self.terminal.until(lambda: [each["save_state"] for each in self._made(prompt)] == ["saved"], "saved, once")
        self.terminal.settle()

    def _made(self, prompt: str) -> list[dict[str, str]]:
        found = self.remote.run("list")["items"]
        assert isinstance(found, list)
        return [each for each in found if each["prompt"] == prompt]

    def once(self) -> None:
        """What was cut was made once, and is whole."""
        self.terminal.send("q")
        self.terminal.wait()
        assert len(self._made(CUT)) == 1
        self.tell("made once, saved once; q ends, exit code", self.terminal.code)

    def all(self) -> None:
        """Every step in order."""
        self.start()
        self.made()
        self.keys("keys in the list (j, k)", "jk", 24)
        self.hold()
        self.keys("help and back (?, escape)", "?\x1b", 6)
        self.play()
        self.copy()
        self.resize()
        if self.script == "tmux":
            self.reattach()
        self.cut()
        self.once()


def _changed(screen: pyte.Screen, before: list[str], attributes: list[str]) -> bool:
    return screen.display != before or _reverse(screen) != attributes


def _reverse(screen: pyte.Screen) -> list[str]:
    """Colours of the first cells of every row: a moved cursor changes nothing but these."""
    return [str([screen.buffer[row][column][1:4] for column in range(0, 60, 5)]) for row in range(screen.lines)]


@contextmanager
def far_away(options: argparse.Namespace) -> Iterator[Remote]:
    """The far machine, with a few items in its library."""
    with tempfile.TemporaryDirectory(prefix="mediatui-ssh-") as folder:
        remote = Remote(Path(folder), options)
        try:
            for prompt in ("a still of the sea", "a still of the dunes", "a still of a town", "a still of a wood"):
                remote.run("generate", prompt, "-m", "sandbox/text-to-image")
            yield remote
        finally:
            remote.close()


def main() -> int:
    """Parse, run, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bps", type=float, default=1e6, help="bits a second of the line; 0: as fast as it comes")
    parser.add_argument("--rtt", type=float, default=40.0, help="milliseconds there and back")
    parser.add_argument("--size", default="100x30")
    parser.add_argument("--compress", action="store_true", help="ssh -C")
    parser.add_argument("--only", choices=("plain", "tmux"))
    parser.add_argument("--source", type=Path, default=ROOT / "src", help="run the package that lies there")
    options = parser.parse_args()
    print(f"{options.size}, {options.bps / 1e6:g} Mbit/s, rtt {options.rtt:g} ms{', ssh -C' * options.compress}")
    failed = 0
    for script in ("app", "tmux"):
        if options.only and (script == "tmux") != (options.only == "tmux"):
            continue
        with far_away(options) as remote:
            session = Session(remote, script)
            try:
                session.all()
            except (AssertionError, OSError) as error:
                failed = 1
                session.tell("FAILED", error)
            finally:
                session.terminal.end()
    return failed


if __name__ == "__main__":
    sys.exit(main())
