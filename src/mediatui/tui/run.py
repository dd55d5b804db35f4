"""One run of the interface on this terminal, from before Textual takes it to after it was given back."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from mediatui.tui.app import MediatuiApp, crash_words
from mediatui.tui.terminal.capabilities import Capabilities, forget_late_answers
from mediatui.tui.terminal.checks import check_terminal
from mediatui.tui.terminal.pastes import read_pastes_whole

if TYPE_CHECKING:
    from mediatui.locations import Locations
    from mediatui.settings import Settings


def run(settings: Settings, locations: Locations, capabilities: Capabilities | None = None) -> int:
    """Run the interface on this terminal; returns the exit code.

    Raises `UsageError` when the terminal cannot show it or a setting makes no sense.
    """
    check_terminal()
    gc.disable()  # until the first frame, which comes a tenth sooner for it
    app = MediatuiApp(settings, locations, capabilities)
    read_pastes_whole(app.driver_class)
    forget_late_answers(app.capabilities)
    try:
        result = app.run(mouse=settings.mouse)
    except Exception as exc:  # the fence: Textual failed outside its own hooks; the terminal is restored by then
        sys.stderr.write(crash_words(exc, app.report_crash(exc)))
        return 1
    finally:
        gc.enable()
        app.alerts.restore_title()
        app.keep_session()
        app.stop_studio()
        app.keep_glimpse()
    return app.return_code or result or 0
