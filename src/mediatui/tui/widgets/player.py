"""Plays a clip in half blocks: a thread fetches frames from the decoder's process, the interface draws the newest."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.color import ColorSystem
from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from mediatui.media.clip import Clip, ClipError
from mediatui.tui.terminal.answers import QUESTION, Answering
from mediatui.tui.widgets.pacing import Pace
from mediatui.tui.widgets.picture import characters
from mediatui.tui.widgets.rawstrip import Canvas, RawStrip, pixel_rows

if TYPE_CHECKING:
    from textual.app import App

SPEEDS = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0)
FULL_QUEUE = 3
"""Writes waiting for the terminal above which no frame is added: at 30 Textual would stand still."""

TOLD_SECONDS = 0.25
"""How often the position is told."""

IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class _Shown:
    """A frame ready to draw: its rows of pixels, two to a row of cells."""

    time: float
    width: int
    rows: list[array[int]]


class Transport:
    """Where in the clip we are: a clock that can be stopped, moved and sped up. For any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at, self._since = 0.0, clock()
        self.speed = 1.0
        self.paused = False
        self.duration = 0.0
        """Seconds; 0 while unknown."""

    @property
    def seconds(self) -> float:
        """The moment that should be on screen now, before looping."""
        moved = 0.0 if self.paused else (self._clock() - self._since) * self.speed
        return self._at + moved

    def move_to(self, seconds: float) -> None:
        """Go on from another moment, inside the clip."""
        last = max(0.0, self.duration - 0.04) if self.duration else seconds
        self._at, self._since = max(0.0, min(seconds, last)), self._clock()

    def set_speed(self, speed: float) -> None:
        """Go on at another speed."""
        self._at, self._since = self.seconds, self._clock()
        self.speed = speed

    def set_paused(self, paused: bool) -> None:
        """Stand still, or go on."""
        self._at, self._since = self.seconds, self._clock()
        self.paused = paused


class Player(Widget):
    """A clip, playing. Needs an app that is `Answering` to play well over a network line."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Player { width: 1fr; height: 1fr; }"

    @dataclass
    class Moved(Message):
        """Where it is; a few times a second, and when something changed."""

        player: Player

    @dataclass
    class Failed(Message):
        """It cannot be played."""

        error: ClipError

    def __init__(self, *, remote: bool = False, loop: bool = True, id: str | None = None) -> None:
        """`remote`: over a network line, where every byte counts."""
        super().__init__(id=id)
        self.transport = Transport()
        self._remote, self._loops = remote, loop
        self._pace = Pace(remote=remote)
        self._canvas = Canvas() if remote else None
        self._change = threading.Condition()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._clip: Clip | None = None
        self._wanted = (0, 0)
        """Width and height of the picture in pixels, two to a cell's height."""
        self._turn = 0
        """Counts what makes a frame under way useless: a seek, another size."""
        self._waiting: _Shown | None = None
        self._shown: _Shown | None = None
        self._drawn_at: tuple[Region, Size] | None = None
        self._unhear: Callable[[], None] | None = None
        self._told = 0.0
        self._whole = True
        """The next frame goes out whole."""
        self.frames_shown = 0
        """For tests and measurements."""

    # What a screen asks for.

    def play(self, path: Path, at: float = 0.0) -> None:
        """Play a file from a moment on, instead of what played before."""
        self.stop()
        self.transport = Transport()
        self.transport.move_to(at)
        self._shown = self._waiting = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(path, self._stopped), name="player", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and end the decoder."""
        self._stopped.set()
        with self._change:
            clip, self._clip = self._clip, None
            self._change.notify_all()
        if clip is not None:
            clip.interrupt()
        self._thread = None

    @property
    def playing(self) -> bool:
        """A clip is open here, even if it stands still."""
        return self._thread is not None

    def toggle(self) -> None:
        """Pause or go on."""
        self.pause(not self.transport.paused)

    def pause(self, paused: bool) -> None:
        """Stand still or go on; standing still shows a frame with nothing left out."""
        if paused != self.transport.paused:
            self.transport.set_paused(paused)
            self._changed(whole=True)

    def seek(self, seconds: float, *, relative: bool = True) -> None:
        """Go to a moment, or some seconds on or back."""
        self.transport.move_to(self._inside(self.transport.seconds) + seconds if relative else seconds)
        self._changed(whole=True)

    def faster(self, steps: int) -> None:
        """Another of `SPEEDS`."""
        at = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self.transport.speed))
        self.transport.set_speed(SPEEDS[max(0, min(len(SPEEDS) - 1, at + steps))])
        self._changed()

    @property
    def seconds(self) -> float:
        """The moment on screen."""
        return self._shown.time if self._shown is not None else self._inside(self.transport.seconds)

    @property
    def pace(self) -> Pace:
        """How it paces itself, for the facts line."""
        return self._pace

    @property
    def cells(self) -> tuple[int, int]:
        """Columns and rows of the picture now."""
        return self._wanted[0], self._wanted[1] // 2

    # Life.

    def on_mount(self) -> None:
        """Listen to the terminal's answers, and to its coming back from another program."""
        self._pace = Pace(remote=self._remote, plain=self._plain)
        app: App[object] = self.app
        if isinstance(app, Answering):
            self._unhear = app.hear_answers(self._answered)
        app.app_resume_signal.subscribe(self, self._resumed, immediate=True)

    def on_unmount(self) -> None:
        """End everything."""
        self.stop()
        if self._unhear is not None:
            self._unhear()

    def _resumed(self, _app: object) -> None:
        self._forget()

    @property
    def _plain(self) -> bool:
        """This terminal gets plain strips: it has too few colours for ours, or shall have none."""
        console = self.app.console
        return self.app.no_color or console._color_system is not ColorSystem.TRUECOLOR

    # In the player's thread.

    def _run(self, path: Path, stopped: threading.Event) -> None:
        try:
            clip = Clip(path)
        except ClipError as exc:
            self._report(stopped, exc)
            return
        with self._change:
            if not stopped.is_set():  # else the clip of another play may be there already
                self._clip = clip
        try:
            if not stopped.is_set():
                self.transport.duration = clip.duration
                self.call_later(self._fit)
                self._play(clip, stopped)
        except ClipError as exc:
            self._report(stopped, exc)
        finally:
            clip.close()

    def _report(self, stopped: threading.Event, error: ClipError) -> None:
        if not stopped.is_set():
            self.post_message(self.Failed(error))

    def _play(self, clip: Clip, stopped: threading.Event) -> None:
        turn, last = -1, 0.0
        while not stopped.is_set():
            with self._change:
                idle = not all(self._wanted) or (self._turn == turn and self.transport.paused)
                if idle or (self._turn == turn and not self._free()):
                    # Notified when anything changes; the time-out covers an answer that never comes.
                    self._change.wait(IDLE_SECONDS)
                    continue
                fresh, turn, size = self._turn != turn, self._turn, self._wanted
            step = self.transport.speed / min(clip.rate, self._pace.rate)
            target = self.transport.seconds if fresh else max(self.transport.seconds, last + step)
            frame = clip.at(target, size)
            if frame.last and target > frame.time + 1.0 / clip.rate and self._ended(frame.time):
                turn = -1
                continue
            shown = _Shown(frame.time, frame.width, pixel_rows(frame.data, frame.width))
            if self._wait_until(target, turn, stopped):
                last = target
                self._waiting = shown
                self.call_later(self._take)

    def _free(self) -> bool:
        return self._waiting is None and self._pace.ready(time.monotonic()) and not self._queue_full()

    def _queue_full(self) -> bool:
        driver = self.app._driver
        queue = getattr(getattr(driver, "_writer_thread", None), "_queue", None)
        return queue is not None and queue.qsize() > FULL_QUEUE

    def _ended(self, last: float) -> bool:
        """The clip is at its end: begin anew, or stand still on its last frame. True: ask again."""
        if not self._loops:
            self.transport.set_paused(True)
            self.transport.move_to(last)
            return False
        self.transport.move_to(0.0)
        return True

    def _wait_until(self, target: float, turn: int, stopped: threading.Event) -> bool:
        """Until a frame is due; False when it has become useless."""
        with self._change:
            while not stopped.is_set() and self._turn == turn:
                left = (target - self.transport.seconds) / self.transport.speed
                if left <= 0.001 or self.transport.paused:
                    return True
                self._change.wait(left)
        return False

    # In the interface's thread.

    def _inside(self, seconds: float) -> float:
        return min(seconds, self.transport.duration) if self.transport.duration else seconds

    def _changed(self, *, whole: bool = False) -> None:
        if whole:
            self._forget()
        with self._change:
            self._turn += 1
            self._change.notify_all()
        self._tell()

    def _forget(self) -> None:
        self._whole = True
        if self._canvas is not None:
            self._canvas.forget()

    def _tell(self) -> None:
        self._told = time.monotonic()
        self.post_message(self.Moved(self))

    def on_resize(self, event: Resize) -> None:
        """Another size of picture fits."""
        self._fit()

    def _fit(self) -> None:
        clip = self._clip
        if clip is None or not (self.size.width and self.size.height):
            return
        columns, rows = self._pace.box((self.size.width, self.size.height))
        width, height = clip.size
        scale = min(columns / width, 2 * rows / height)
        size = max(2, round(width * scale)), max(2, round(height * scale) // 2 * 2)
        if size != self._wanted:
            self._wanted = size
            self._changed(whole=True)

    def _take(self) -> None:
        """Draw the frame that waits."""
        shown, self._waiting = self._waiting, None
        if shown is not None and self.is_attached and self.app.screen is self.screen:
            before, self._shown = self._shown, shown
            self.frames_shown += 1
            if before is None or (len(before.rows), before.width) != (len(shown.rows), shown.width):
                self._forget()
                self.refresh()
            else:
                height = len(shown.rows) // 2
                self.refresh(Region(0, (self.size.height - height) // 2, self.size.width, height))
            if self._remote:
                self._pace.sent(time.monotonic(), whole=self._whole)
                self._whole = False
                self.app.call_after_refresh(self._ask)
            if time.monotonic() - self._told >= TOLD_SECONDS:
                self._tell()
        with self._change:
            self._change.notify_all()

    def _ask(self) -> None:
        driver = self.app._driver
        if driver is not None and not self.app.is_headless:
            driver.write(QUESTION)

    def _answered(self) -> None:
        if self._pace.answered(time.monotonic(), (self.size.width, self.size.height)):
            self._fit()
        with self._change:
            self._change.notify_all()

    # Drawing.

    def render_lines(self, crop: Region) -> list[Strip]:
        """Past Textual's cache of styled lines: nothing here is ever drawn twice."""
        place = (self.region, self.app.size)
        if place != self._drawn_at or self.app.screen is not self.screen:
            self._forget()
            self._drawn_at = place
        strips = [self._line(y) for y in crop.line_range]
        width = self.size.width
        return strips if crop.column_span == (0, width) else [strip.crop(*crop.column_span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """One line, for whoever asks for it alone."""
        return self._line(y)

    def _line(self, y: int) -> Strip:
        shown, width = self._shown, self.size.width
        height = len(shown.rows) // 2 if shown is not None else 0
        row = y - (self.size.height - height) // 2
        if shown is None or not 0 <= row < height:
            return Strip.blank(width, self.rich_style)
        top, bottom = shown.rows[2 * row], shown.rows[2 * row + 1]
        if len(top) > width:
            top, bottom = top[:width], bottom[:width]
        left = (width - len(top)) // 2
        margins = (left, width - len(top) - left)
        if self.app.no_color:
            return self._characters(top, bottom, margins)
        canvas = self._canvas
        strip = RawStrip(top, bottom, margins=margins, style=self.rich_style, canvas=canvas, y=y)
        return strip if canvas is None else canvas.hand_out(y, strip)

    def _characters(self, top: array[int], bottom: array[int], margins: tuple[int, int]) -> Strip:
        data = b"".join(bytes((p & 255, p >> 8 & 255, p >> 16 & 255)) for p in (*top, *bottom))
        style = self.rich_style
        left, right = (Segment(" " * margin, style) for margin in margins)
        return Strip([left, *characters((len(top), 2, data), style)[0], right], self.size.width)
