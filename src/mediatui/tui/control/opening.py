"""Opening an item elsewhere: the first program that can, a menu of all that could, and what helps over ssh."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.model import MediaItem, MediaType
from mediatui.studio.playable import Origin, Playable
from mediatui.text import one_line
from mediatui.tui.format import shown_path
from mediatui.tui.screens.dialogs import Choice, MenuScreen
from mediatui.tui.terminal.openers import Opener, launch, read_openers, scp_line, usable
from mediatui.tui.terminal.outside import can_suspend, run_here

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp

Deed = Callable[[], Awaitable[None] | None]


def mime_of(item: MediaItem) -> str:
    """The item's MIME type, at least its first half."""
    known = (item.content_type or "").partition(";")[0].strip().lower()
    return known if known.startswith(f"{item.type.value}/") else f"{item.type.value}/x-unknown"


def openers_for(app: MediatuiApp, item: MediaItem, found: Playable) -> list[Opener]:
    """The programs that could open it here and now, best first."""
    table = read_openers(app.settings.openers)
    return usable(table, mime_of(item), is_address=found.path is None, can_suspend=can_suspend(app))


async def open_item(app: MediatuiApp, item: MediaItem, *, play: Deed | None = None) -> None:
    """Open it with the first program that needs no more than there is; over ssh, ask.

    `play` plays it in this terminal. Raises `MediatuiError` when there is nothing to open.
    """
    found = await app.ask(app.studio.playable(item.id, fetch=False))
    programs = openers_for(app, item, found)
    if app.capabilities.remote or not programs:
        await _choose(app, item, found, programs, play)
        return
    await _open(app, programs[0], found)


async def choose_opener(app: MediatuiApp, item: MediaItem, *, play: Deed | None = None) -> None:
    """Ask how to open it."""
    found = await app.ask(app.studio.playable(item.id, fetch=False))
    await _choose(app, item, found, openers_for(app, item, found), play)


async def _open(app: MediatuiApp, opener: Opener, found: Playable) -> None:
    code: int | None = None
    try:
        if opener.needs == "tty":
            code = await run_here(app, opener, found.target)
        else:
            launch(opener, found.target)
    except UsageError as exc:
        another = app.keys.of("library", "open-with")
        raise UsageError(exc.message, hint=f"{another} chooses another program.") from exc
    if code is None:
        app.tell(f"Opened the {found.origin.value} with {opener.words}.")
    elif code:
        app.tell(f"{opener.words} ended with code {code}.", severity="warning")


async def _choose(
    app: MediatuiApp, item: MediaItem, found: Playable, programs: list[Opener], play: Deed | None
) -> None:
    deeds = _deeds(app, item, found, programs, play)
    if not deeds:
        raise UsageError(
            f"found no program to open {item.name}",
            hint="MEDIATUI_PLAYER, or [[open]] in the configuration, names one.",
        )
    menu = [Choice(key, title, title, note) for key, title, note, _deed in deeds]
    chosen = await app.push_screen_wait(MenuScreen(f"Open the {found.origin.value}", menu))
    for _key, title, _note, deed in deeds:
        if title == chosen:
            result = deed()
            if result is not None:
                await result


def _deeds(
    app: MediatuiApp, item: MediaItem, found: Playable, programs: list[Opener], play: Deed | None
) -> list[tuple[str, str, str, Deed]]:
    """Key, title, note and deed of everything that can be done with it."""
    deeds: list[tuple[str, str, str, Deed]] = []
    if play is not None and item.type is MediaType.VIDEO:
        deeds.append(("h", "Play here", "in half blocks, without sound", play))
    for number, opener in enumerate(programs[:9], 1):
        note = "in this terminal" if opener.needs == "tty" else one_line(opener.run, 50)
        deeds.append((str(number), opener.words, note, _opening(app, opener, found)))
    if found.path is not None:
        path = str(found.path)
        deeds.append(("f", "Copy the path", one_line(shown_path(path), 50), lambda: app.copy_text(path, "path")))
        if app.capabilities.remote:
            line = scp_line(path, os.environ)
            deeds.append(("s", "Copy an scp line", one_line(line, 50), lambda: app.copy_text(line, "scp line")))
    if (item.url and found.origin is not Origin.FILE) or (item.url and app.capabilities.remote):
        url = item.url
        deeds.append(("u", "Copy the URL", one_line(url, 50), lambda: app.copy_text(url, "URL")))
    return _unique(deeds)


def _opening(app: MediatuiApp, opener: Opener, found: Playable) -> Deed:
    return lambda: _open(app, opener, found)


def _unique(deeds: list[tuple[str, str, str, Deed]]) -> list[tuple[str, str, str, Deed]]:
    """The same with titles told apart: the menu answers with one."""
    seen: dict[str, int] = {}
    found = []
    for key, title, note, deed in deeds:
        seen[title] = seen.get(title, 0) + 1
        found.append((key, title if seen[title] == 1 else f"{title} ({seen[title]})", note, deed))
    return found
