"""The app: starts the studio behind the first frame, hands its news to the screens, tells people what went wrong."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import weakref
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.text import Text
from textual import events, on
from textual.app import App
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.types import CSSPathType
from textual.worker import Worker, WorkerState

from mediatui.crash import write_crash_report
from mediatui.errors import MediatuiError, UsageError
from mediatui.text import clean_text, one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Actor, Handler
from mediatui.tui.alerts import Alerts
from mediatui.tui.bridge import Bridge, ask
from mediatui.tui.control.hosts import HostQuestions
from mediatui.tui.early_keys import EarlyKeys
from mediatui.tui.glimpse import Glimpse, keep_glimpse
from mediatui.tui.glyphs import AsciiGlyphs, output_encoding
from mediatui.tui.keymap import Keymap
from mediatui.tui.looks import FEW_COLOURS, decide_looks, drawable, remember_compact
from mediatui.tui.memory import Keeper, load_memory
from mediatui.tui.messages import StudioFailed, StudioReady, StudioSpoke
from mediatui.tui.news import News, front_screen
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.terminal.answers import Answering
from mediatui.tui.terminal.capabilities import Capabilities, Graphics
from mediatui.tui.terminal.checks import is_remote
from mediatui.tui.terminal.clipboard import osc52
from mediatui.tui.theme import PLAIN_DARK, THEMES
from mediatui.tui.toasts import Toasts

if TYPE_CHECKING:
    from mediatui.locations import Locations
    from mediatui.settings import Settings
    from mediatui.studio.studio import Studio

T = TypeVar("T")

SETTLE_SECONDS = 0.15
"""A size that held so long is taken for the last of a row of changes."""

BEGIN_SECONDS = 0.3
"""The studio starts then at the latest."""

END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class MediatuiApp(Answering, Actor, App[int], inherit_bindings=False):
    """The terminal interface over one studio."""

    TITLE = "mediatui"
    CSS_PATH: ClassVar[CSSPathType | None] = [STYLES / "base.tcss", STYLES / "library.tcss"]
    BINDINGS = bindings("app")
    ENABLE_COMMAND_PALETTE = False  # Textual would bind a key of its own; ours opens the palette.
    COMMANDS: ClassVar[set[Any]] = set()

    def __init__(self, settings: Settings, locations: Locations, capabilities: Capabilities | None = None) -> None:
        # Without this Textual turns colours into greys, which NO_COLOR does not ask for.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.settings = settings
        self.locations = locations
        self.capabilities = capabilities or Capabilities(remote=is_remote())
        self.memory = load_memory(locations.state)
        self.toasts = Toasts(self)
        self.alerts = Alerts(self)
        self.early = EarlyKeys(self)
        self._glimpse: Glimpse | None = None
        self.leaving = False
        """It ends; its screens are being taken apart."""
        self.crash_file: Path | None = None
        self._studio: Studio | None = None
        self._bridge = Bridge(settings, locations, self.post_message)
        self._news = News(self, self._bridge)
        self._keeper = Keeper(locations.state)
        self._begun = False
        self._settling: Timer | None = None
        self._dress()
        self.hosts = HostQuestions(self)
        self.keys = Keymap(ascii=self.looks.ascii)
        if settings.keys:
            from mediatui.tui.own_keys import read_keymap

            self.keys = read_keymap(settings.keys, ascii=self.looks.ascii)

    def _dress(self) -> None:
        """Before the first frame: changing any of this later restyles everything."""
        for theme in THEMES:
            self.register_theme(theme)
        few = self.no_color or self.console.color_system == FEW_COLOURS
        self.looks = decide_looks(self.settings, self.memory, self.capabilities, few_colours=few)
        self.theme = PLAIN_DARK if self.no_color else self.looks.theme
        self.quiet = self.looks.quiet
        self.set_class(self.looks.compact, "-compact")
        if self.quiet:
            self.animation_level = "none"
            self.add_class("-quiet")
        self.set_class(not self.draws_pictures, "-no-pictures")
        if self.looks.ascii:
            self.capabilities = drawable(self.capabilities, self.looks)
            self.no_color = True  # Pictures out of characters: that is all Textual's flag does from here on.
            self._filters.append(AsciiGlyphs(output_encoding()))

    def get_default_screen(self) -> Screen[Any]:
        """The library."""
        self.library = LibraryScreen()
        return self.library

    # Start and end.

    def on_mount(self) -> None:
        """Take over the signals that would leave the terminal broken, and start the studio after the first frame."""
        self._take_signals()
        if self.keys.own:
            self.set_keymap(self.keys.for_textual())
        self.call_after_refresh(self._begin)
        # A key pressed at once may put another screen in front, whose refresh the line above does not wait for.
        self.set_timer(BEGIN_SECONDS, self._begin)

    def _begin(self) -> None:
        """The first frame is on screen: what waited for it may start. Only the first call counts."""
        if self._begun:
            return
        self._begun = True
        if not gc.isenabled():
            # What is loaded stays; the collector need not look at it again while keys are pressed.
            gc.freeze()
            gc.enable()
        self._bridge.start()
        for problem in self.keys.problems:
            self.tell(problem, severity="warning")
        if self.settings.openers:
            self._check_openers()

    async def on_event(self, event: events.Event) -> None:
        """Textual's way in for everything; a key may have to wait for those before it."""
        if isinstance(event, events.Key) and not event.is_forwarded and self.early.takes(event):
            return
        if isinstance(event, events.Paste):
            event.text = clean_text(event.text)  # outside text: no field shows or keeps what a terminal would obey
        await super().on_event(event)

    async def answer_key(self, event: events.Key) -> None:
        """Let a key be answered that has waited."""
        await super().on_event(event)

    def on_resize(self) -> None:
        """Draw everything once the sizes have settled.

        A terminal that shrank and grew back lost cells, and Textual, which sees its old size again, draws nothing.
        """
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE_SECONDS, self._settled)

    def _settled(self) -> None:
        if not self.screen_stack:  # the app closed meanwhile
            return
        try:
            size = self.size if self.is_headless else Size(*os.get_terminal_size(0))
        except OSError:  # no terminal at the keyboard's end
            size = self.size
        if size != self.screen.size:  # a change that came while another was drawn
            self.screen.post_message(events.Resize(size, size))
        self.refresh(layout=True)

    def _check_openers(self) -> None:
        from mediatui.tui.terminal.openers import read_openers

        try:
            read_openers(self.settings.openers)
        except UsageError as error:
            self.tell_exception(error)

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in END_SIGNALS:
            try:
                loop.add_signal_handler(number, self._end_by_signal, number)
            except (ValueError, RuntimeError, NotImplementedError):
                # Not on the main thread: whoever runs the app there minds the signals.
                return

    def _end_by_signal(self, number: int) -> None:
        self.exit(128 + number, return_code=128 + number)

    def stop_studio(self) -> None:
        """Stop the studio; call once the app has ended."""
        self._bridge.stop()

    def exit(self, result: int | None = None, return_code: int = 0, message: Any = None) -> None:
        """Leave; where everything stands is remembered while it still stands there."""
        if self.library.is_attached:
            self.library.projects.keep_place()
            self._glimpse = self.library.glimpsing.take()
            screens = [screen for screen in self.screen_stack if isinstance(screen, StudioScreen)]
            for screen in screens:
                screen.leaving()
            self.memory.screen = next((s.REMEMBERED for s in reversed(screens) if s.REMEMBERED), "")
        self.leaving = True
        super().exit(result, return_code, message)

    def keep_session(self) -> None:
        """Write the memory down; call once the app has ended."""
        self._keeper.now(self.memory)

    def keep_glimpse(self) -> None:
        """Write down what the lists showed last; call once the studio has stopped: what it wrote is in it."""
        keep_glimpse(self.locations, self._glimpse)

    @on(StudioReady)
    def _use_studio(self, message: StudioReady) -> None:
        self._studio = message.studio
        self.tell_screens(lambda screen: screen.studio_ready())

    @on(StudioFailed)
    def _report_studio(self, message: StudioFailed) -> None:
        self.tell_exception(message.error)
        self.tell_screens(lambda screen: screen.studio_failed(message.error))

    def tell_screens(self, tell: Callable[[StudioScreen[Any]], None]) -> None:
        """News for every screen over the studio."""
        for screen in self.screen_stack:
            if isinstance(screen, StudioScreen):
                # One that is still being composed looks for itself then; one that is taken apart shows nothing more.
                with suppress(NoMatches):
                    tell(screen)

    # The studio.

    @property
    def studio(self) -> Studio:
        """The studio; raises `UsageError` until it runs."""
        if self._studio is None:
            raise UsageError("the library is still opening", hint="A moment, please.")
        return self._studio

    @property
    def has_studio(self) -> bool:
        """It runs."""
        return self._studio is not None

    async def ask(self, future: Future[T]) -> T:
        """The studio's answer, without blocking."""
        return await ask(future)

    @property
    def draws_pictures(self) -> bool:
        """Pictures are drawn, in whatever way; else words stand in their place."""
        return self.capabilities.graphics is not Graphics.OFF

    def remember(self) -> None:
        """Write down what the interface remembers between runs."""
        self._keeper.later(self.memory)

    @on(StudioSpoke)
    def _hear(self) -> None:
        self._news.hear()

    # Work that may fail.

    def run_fenced(
        self, work: Coroutine[Any, Any, None], *, group: str, exclusive: bool = False, node: DOMNode | None = None
    ) -> Worker[None]:
        """Run a coroutine as a worker; whatever it raises is told and ends nothing."""
        fenced: Callable[[], Coroutine[Any, Any, None]] = partial(self._fence, work)
        worker: Worker[None] = (node or self.screen).run_worker(
            fenced, group=group, exclusive=exclusive, exit_on_error=False, name=group
        )
        # A worker that is cancelled before it began leaves its work untouched: that is closed with it.
        weakref.finalize(worker, work.close).atexit = False
        return worker

    async def _fence(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except NoMatches:
            # The screen went away while its work was under way: there is nobody left to show it to.
            return
        except Exception as exc:  # the fence: any error of a worker is told to the person, and ends nothing
            self.tell_exception(exc)

    @on(Worker.StateChanged)
    def _worker_failed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.tell_exception(event.worker.error)

    def tell_exception(self, error: Exception) -> None:
        """Tell an error in words; anything unforeseen also goes to a crash report."""
        if isinstance(error, MediatuiError):
            self.tell(error.message, hint=error.hint, title=error.title, severity="error")
            return
        path = self.report_crash(error)
        where = f"A report is in {path}." if path else ""
        self.tell(f"{type(error).__name__} inside mediatui; your work is safe.", hint=where, severity="error")

    def tell(self, message: str, *, hint: str = "", title: str = "", severity: str = "information") -> None:
        """Say something: on the status line for information and over slow lines, as a toast otherwise."""
        # Sentences name files and paths as the disk has them.
        message, hint = clean_text(message), clean_text(hint)
        text = one_line(f"{message} {hint}")
        screen = front_screen(self)
        if screen is not None and (self.quiet or severity == "information"):
            screen.say(text, severity)
        if severity != "information" and not self.quiet:
            lines = f"{message}\n{hint}" if hint else message
            self.toasts.show(lines, title, severity, 8.0 if hint else 5.0)

    # Ending badly.

    def report_crash(self, error: BaseException) -> Path | None:
        """Write a report on a defect of ours; where it is, unless it could not be written."""
        secrets = [p.key.reveal() for p in self.settings.providers.values() if p.key]
        self.crash_file = write_crash_report(self.locations.state, error, secrets=secrets)
        return self.crash_file

    def _handle_exception(self, error: Exception) -> None:
        """Textual's hook for the unforeseen: it would print a traceback with local variables, keys among them."""
        first = self._exception is None
        self._return_code = 1
        if first:
            self._exit_renderables.append(Text(crash_words(error, self.report_crash(error))))
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        """Textual's other hook, called while an exception is being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, Exception):
            self._handle_exception(error)
        else:
            self._close_messages_no_wait()

    # Actions.

    def handlers(self) -> Mapping[str, Handler]:
        """What works everywhere."""
        return {
            "palette": self._open_palette,
            "help": self._open_help,
            "quit-now": self.leave,
            "interrupt": lambda: self.tell(f"Press {self.keys.of('library', 'quit')} in the library to quit."),
            "theme": self._choose_theme,
            "compact": self._switch_compact,
            "welcome": self._open_welcome,
        }

    def _choose_theme(self) -> None:
        from mediatui.tui.screens.themes import ThemeScreen

        if not isinstance(self.screen, ThemeScreen):
            self.push_screen(ThemeScreen())

    def _switch_compact(self) -> None:
        compact = not self.has_class("-compact")
        self.set_class(compact, "-compact")
        remember_compact(self.memory, self.settings, compact)
        self.remember()

    def _open_welcome(self) -> None:
        from mediatui.tui.screens.welcome import WelcomeScreen

        if not isinstance(self.screen, WelcomeScreen):
            self.push_screen(WelcomeScreen())

    def _open_palette(self) -> None:
        from mediatui.tui.screens.palette import open_palette

        open_palette(self)

    def _open_help(self) -> None:
        from mediatui.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(_scopes(self.screen)))

    async def leave(self) -> None:
        """Quit; asks when jobs run."""
        from mediatui.tui.screens.dialogs import ConfirmScreen

        running = [job for job in self.studio.jobs() if not job.phase.ended] if self.has_studio else []
        if running:
            many = plural(len(running), "job")
            yes = await self.push_screen_wait(
                ConfirmScreen(
                    f"{many} still running",
                    [
                        f"{'It goes' if len(running) == 1 else 'They go'} on at the provider.",
                        f"The next start picks {'it' if len(running) == 1 else 'them'} up from there.",
                    ],
                    "quit",
                )
            )
            if not yes:
                return
        self.exit(0)

    def copy_text(self, text: str, what: str) -> None:
        """Put text on the terminal's clipboard and say so."""
        sequence = osc52(text, tmux=bool(os.environ.get("TMUX")))
        if sequence is None:
            raise UsageError(
                f"the {what} is too long for the terminal's clipboard",
                hint=f"{self.keys.of('library', 'details')} shows all of it.",
            )
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(sequence)
        self.tell(f"Sent the {what} to the terminal's clipboard.")


def _scopes(screen: Screen[Any]) -> tuple[str, ...]:
    return screen.SCOPES if isinstance(screen, StudioScreen) else ("app",)


def crash_words(error: BaseException, report: Path | None) -> str:
    """What a person reads when the interface itself failed."""
    where = f"Details, without keys: {report}\n" if report else ""
    return (
        f"mediatui stopped: {type(error).__name__}.\n{where}"
        "Nothing is lost: start mediatui again, or run `mediatui jobs resume`, and unfinished work goes on.\n"
    )
