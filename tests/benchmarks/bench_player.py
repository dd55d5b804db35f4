"""Playing in a terminal: frames a second, bits on the wire, processor time, and how soon a key press shows.

``python tests/benchmarks/bench_player.py [--bps 1000000] [--rtt 40] [--size 120x40] [--scene flow|FILE]``

The player runs in a real pseudo terminal. Behind it stands a line that takes `--bps` bits a second, with
`--buffer` bytes of room before it, as ssh and TCP have: what the program wrote may wait there, and the answers
to its questions, as well as the key presses, come only after everything before them went through.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import random
import re
import resource
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
KEY_SECONDS = 0.7
MARK = re.compile(rb"KEY(\d{4})")
QUESTION = b"\x1b[6n"


def show(arguments: argparse.Namespace) -> None:
    """The program in the pseudo terminal: a player, a line that shows how many keys came."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    from mediatui.tui.terminal.answers import Answering
    from mediatui.tui.widgets.player import Player

    class Show(Answering, App[None]):
        CSS = "Static { height: 1; }"
        keys = 0

        def compose(self) -> ComposeResult:
            yield Static("title")
            yield Player(remote=arguments.remote)
            yield Static("KEY0000", id="keys")

        def on_mount(self) -> None:
            self.lags: list[float] = []
            self.before = time.perf_counter()
            self.set_interval(0.05, self._tick)
            self.set_timer(arguments.seconds, self.tell)
            self.query_one(Player).play(Path(arguments.scene))

        def _tick(self) -> None:
            now = time.perf_counter()
            self.lags.append(max(0.0, now - self.before - 0.05))
            self.before = now

        def on_key(self) -> None:
            self.keys += 1
            self.query_one("#keys", Static).update(f"KEY{self.keys:04}")

        def told(self) -> str:
            player = self.query_one(Player)
            lags = sorted(self.lags) or [0.0]
            used = resource.getrusage(resource.RUSAGE_SELF)
            return (
                f"{player.frames_shown} {player.cells[0]}x{player.cells[1]} {lags[int(len(lags) * 0.95)] * 1000:.1f} "
                f"{lags[-1] * 1000:.1f} {player.pace.delay * 1000:.0f} {used.ru_utime + used.ru_stime:.2f}"
            )

        def tell(self) -> None:
            Path(arguments.told).write_text(self.told())
            self.exit()

    Show().run()


class Line:
    """A slow line with room before it: bytes go in as fast as the program writes until the room is full."""

    def __init__(self, bps: float, room: int, rtt: float) -> None:
        self._bps, self._room, self._half = bps, room, rtt / 2
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._held = 0
        self._free_at = 0.0

    @property
    def full(self) -> bool:
        """Nothing more goes in."""
        return bool(self._bps) and self._held >= self._room

    def put(self, now: float, data: bytes) -> None:
        """The program wrote."""
        for start in range(0, len(data), 512):
            piece = data[start : start + 512]
            self._free_at = max(self._free_at, now) + (len(piece) * 8 / self._bps if self._bps else 0.0)
            self._waiting.append((self._free_at + self._half, piece))
            self._held += len(piece)

    def take(self, now: float) -> bytes:
        """What has come through by now."""
        out = b""
        while self._waiting and self._waiting[0][0] <= now:
            piece = self._waiting.popleft()[1]
            self._held -= len(piece)
            out += piece
        return out


def measure(options: argparse.Namespace, scene: Path) -> None:
    """One run, one line of figures."""
    columns, rows = map(int, options.size.split("x"))
    told = Path(tempfile.mkdtemp()) / "told"
    command = [sys.executable, __file__, "--show", "--scene", str(scene), "--told", str(told)]
    command += ["--seconds", str(options.seconds), *(["--remote"] if options.bps or options.remote else [])]
    environment = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT / "src")}
    pid, fd = pty.fork()
    if pid == 0:
        os.read(0, 1)
        os.execve(sys.executable, command, {**environment, "PATH": os.environ["PATH"]})
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.write(fd, b"\n")
    line = Line(options.bps, options.buffer, options.rtt / 1000)
    answers: deque[tuple[float, bytes]] = deque()
    half = options.rtt / 2000
    total, tail, pressed, latencies = 0, b"", list[float](), list[float]()
    started = time.monotonic()
    next_key = started + 2.5
    while True:
        now = time.monotonic()
        while answers and answers[0][0] <= now:
            os.write(fd, answers.popleft()[1])
        if now >= next_key and now < started + options.seconds - 1:
            answers.append((now + half, b"x"))
            pressed.append(now)
            next_key = now + KEY_SECONDS + random.random() * 0.1
        if not line.full and select.select([fd], [], [], 0.001)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            total += len(data)
            line.put(now, data)
        elif line.full:
            time.sleep(0.001)
        came = line.take(time.monotonic())
        answers += [(time.monotonic() + half, b"\x1b[1;1R")] * came.count(QUESTION)
        tail = (tail + came)[-4096 - len(came) :]
        for found in MARK.finditer(tail):
            number = int(found[1])
            if len(latencies) < number <= len(pressed):
                latencies += [time.monotonic() - at for at in pressed[len(latencies) : number]]
    _, status = os.waitpid(pid, 0)
    frames, box, lag, worst, delay, cpu = told.read_text().split()
    latencies = sorted(value * 1000 for value in latencies)
    keys = f"{statistics.median(latencies):.0f} / {latencies[-1]:.0f} ms" if latencies else "none"
    facts = (
        f"{options.size} at {options.bps / 1e6:g} Mbit/s, rtt {options.rtt:g} ms",
        f"{int(frames) / options.seconds:.1f} fps, {box} cells",
        f"{total * 8 / options.seconds / 1e6:.2f} Mbit/s",
        f"key {keys} ({len(latencies)} of {len(pressed)})",
        f"loop lag p95 {lag}, worst {worst} ms",
        f"answer {delay} ms",
        f"cpu {float(cpu) / options.seconds:.0%}, exit {status}",
    )
    print(" | ".join(facts), flush=True)


def a_scene(name: str, folder: Path) -> Path:
    """A clip of the sandbox, made once."""
    if Path(name).is_file():
        return Path(name)
    from mediatui.sandbox.encode import encode_video
    from mediatui.sandbox.scenes import make_scene
    from mediatui.sandbox.scenes.stage import Stage

    path = folder / f"{name}.mp4"
    if not path.exists():
        size, count = (1280, 720), 120
        scene, _ = make_scene("a river of light", 7, name, Stage(size, count, 24))
        encode_video(path, (scene.frame(n) for n in range(count)), size, 24, None, lambda _: None)
    return path


def main() -> None:
    """Parse, make the clip, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bps", type=float, default=0.0, help="bits a second of the line; 0: as fast as it comes")
    parser.add_argument("--rtt", type=float, default=0.0, help="milliseconds there and back")
    parser.add_argument("--buffer", type=int, default=1 << 20, help="bytes that may wait before the line")
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--scene", default="flow")
    parser.add_argument("--remote", action="store_true")
    parser.add_argument("--show", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--told", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.show:
        show(options)
        return
    measure(options, a_scene(options.scene, Path(tempfile.gettempdir())))


if __name__ == "__main__":
    main()
