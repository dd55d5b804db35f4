"""What a person says about items, and where they belong: tags, stars, favourites, notes, names, projects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mediatui.model import MediaItem
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.screens.dialogs import AskScreen, Choice, MenuScreen
from mediatui.tui.screens.pick import Entry, PickScreen

if TYPE_CHECKING:
    from mediatui.studio.history import Undo

MOST = 5
"""Stars."""
_STARS = [Choice(str(n), "★" * n + "☆" * (MOST - n), str(n)) for n in range(MOST, 0, -1)]
_RATINGS = (*_STARS, Choice("0", "not rated", "0"))


def _rated(stars: int) -> str:
    return f"rated {'★' * stars}" if stars else "not rated any more"


class Organising(Controller):
    """Keys that act on the marked items or the one under the cursor; each can be taken back with one key."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "tag": self.tag,
            "rate": self.rate,
            "rate-up": lambda: self._step(1),
            "rate-down": lambda: self._step(-1),
            "favourite": self.favourite,
            "note": self.note,
            "rename": self.rename,
            "move": lambda: self._bring("move"),
            "copy-to": lambda: self._bring("copy"),
        }

    def _targets(self) -> list[MediaItem]:
        items = self.screen.targets()
        if not items:
            raise self.no_item("Jobs are organised once they have made one.")
        return items

    def _named(self, items: Sequence[MediaItem], length: int = 40) -> str:
        return one_line(items[0].name, length) if len(items) == 1 else plural(len(items), "item")

    # What is written about them.

    async def tag(self) -> None:
        """Choose tags to add and remove."""
        from mediatui.tui.screens.tags import TagScreen

        items = self._targets()
        ids = [item.id for item in items]

        async def change(add: Sequence[str], remove: Sequence[str]) -> None:
            done = await self.app.ask(self.studio.organise.tag(ids, add, remove))
            self._show(ids)
            screen.refresh_tags()
            words = f"tagged {', '.join(add)}" if add else f"no longer tagged {', '.join(remove)}"
            self._tell(done, words)

        screen = TagScreen(ids, lambda: self.screen.shelf.items, change, f"Tags of {self._named(items)}")
        await self.app.push_screen_wait(screen)

    async def rate(self) -> None:
        """Choose the stars."""
        items = self._targets()
        ratings = {item.rating or 0 for item in items}
        current = str(ratings.pop()) if len(ratings) == 1 else None
        chosen = await self.app.push_screen_wait(MenuScreen(f"Rate {self._named(items)}", _RATINGS, current))
        if chosen is not None:
            await self._rate(items, int(chosen))

    async def _step(self, step: int) -> None:
        items = self._targets()
        ids = [item.id for item in items]
        done = await self.app.ask(self.studio.organise.rate_by(ids, step))
        self._show(ids)
        ratings = {found.rating or 0 for key in ids if (found := self.studio.find_item(key)) is not None}
        if len(ratings) == 1:
            self._tell(done, _rated(ratings.pop()))
        else:
            self._tell(done, "rated one star higher" if step > 0 else "rated one star lower")

    async def _rate(self, items: Sequence[MediaItem], stars: int) -> None:
        ids = [item.id for item in items]
        done = await self.app.ask(self.studio.organise.rate(ids, stars or None))
        self._show(ids)
        self._tell(done, _rated(stars))

    async def favourite(self) -> None:
        """Turn favourites on or off."""
        ids = [item.id for item in self._targets()]
        done = await self.app.ask(self.studio.organise.favourite(ids))
        self._show(ids)
        on = all(found.favourite for key in ids if (found := self.studio.find_item(key)) is not None)
        self._tell(done, "marked as favourite" if on else "no longer marked as favourite")

    async def note(self) -> None:
        """Write a note."""
        from mediatui.tui.screens.note import NoteScreen

        items = self._targets()
        notes = {item.notes for item in items}
        text = notes.pop() if len(notes) == 1 else ""
        written = await self.app.push_screen_wait(NoteScreen(f"Notes on {self._named(items)}", text))
        if written is not None and (written != text or notes):
            ids = [item.id for item in items]
            done = await self.app.ask(self.studio.organise.note(ids, written))
            self._show(ids)
            self._tell(done, "noted" if written else "rid of notes")

    async def rename(self) -> None:
        """Ask for another name; of the project where the projects have the focus, or where there is no item."""
        if self.screen.panes.current == "projects" or self.screen.item is None:
            await self.screen.projects.rename()
            return
        item = self.screen.item
        name = await self.app.push_screen_wait(AskScreen(f"Rename {self._named([item])}", item.name, verb="rename"))
        if name is not None and name != item.name:
            done = await self.app.ask(self.studio.organise.rename(item.id, name))
            self._show([item.id])
            self._tell(done, f"now named “{one_line(name, 60)}”")

    # Where they belong.

    async def _bring(self, verb: str) -> None:
        items = self._targets()
        size = human_bytes(sum(item.file_size or 0 for item in items if item.path))
        hidden = len(self.screen.media.marks.difference(self.screen.shelf.rows))
        more = f", {hidden} hidden by the filter" if hidden else ""
        title = f"{verb.title()} {self._named(items, 32)} ({size}{more}) to"
        target = await self.app.push_screen_wait(self._project_picker(title, verb))
        if target is None:
            return
        ids = [item.id for item in items]
        organise = self.studio.organise
        future = organise.move(ids, target) if verb == "move" else organise.copy(ids, target)
        done = await self.app.ask(future)
        if verb == "move":
            self.screen.media.set_marks(set())
        await self.screen.projects.refresh()
        known = self.screen.summaries.get(target)
        word = "moved" if verb == "move" else "copied"
        self._tell(done, f"{word} to “{known.name if known else target}”")

    def _project_picker(self, title: str, verb: str) -> PickScreen:
        here = self.screen.project_id
        name_here = self.screen.summaries[here].name.casefold() if here in self.screen.summaries else None

        def fresh(name: str) -> Entry:
            return Entry(name, name, "this project" if name.casefold() == name_here else "new project")

        rows = [
            Entry(summary.id, summary.name, plural(summary.items, "item"))
            for summary in self.screen.summaries.values()
            if summary.id != here
        ]
        return PickScreen(
            title,
            rows,
            fresh=fresh,
            placeholder="a project, or the name of a new one",
            verb=verb,
            empty="No other project: type a name to make one.",
            by_note=False,
        )

    # Saying so.

    def _show(self, ids: Sequence[str]) -> None:
        """Show the items as they are now, without waiting for the news of it."""
        changed = [item for key in ids if (item := self.studio.find_item(key)) is not None]
        here = [item for item in changed if item.id in self.screen.shelf.items]
        self.screen.shelf.change(here, (), (), ())
        self.screen.show_rows()
        self.screen.media.touch([item.id for item in here])

    def _tell(self, done: Undo, words: str) -> None:
        if not done.count:
            self.app.tell("It is so already.")
            return
        self.screen.tidying.tell(f"{plural(done.count, 'item')} {words}. {self.press('undo')} takes it back.", done)
