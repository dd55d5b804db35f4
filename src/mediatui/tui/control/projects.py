"""Projects: open, new, rename, delete, save policy, compare with the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mediatui.errors import MediatuiError, UsageError
from mediatui.model import SavePolicy
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.control.panes import PANES
from mediatui.tui.memory import Place
from mediatui.tui.ordering import remembered
from mediatui.tui.screens.dialogs import AskScreen, Choice, ConfirmScreen, MenuScreen
from mediatui.tui.shelf import EVERYWHERE

if TYPE_CHECKING:
    from textual.timer import Timer

    from mediatui.library.library import ProjectSummary
    from mediatui.library.project import ProjectChange
    from mediatui.studio.requests import LibrarySnapshot, ProjectSnapshot

REFRESH_SECONDS = 0.5
COMPARE_SECONDS = 0.3
"""A project just opened is compared with its files this much later: its list comes first."""


class Projects(Controller):
    """Keys that act on whole projects."""

    _refreshing = False
    _wanted = ""
    _watching = False
    _comparing: Timer | None = None
    _reading: Sequence[tuple[str, list[ProjectChange]]] = ()
    """What is being read, with what happens to it meanwhile."""
    _held: Mapping[str, str] = {}
    """The projects whose items are shown, where it is all of them: their names by identifier."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "new-project": self.create,
            "rename-project": self.rename,
            "delete-project": self.delete,
            "policy": self.policy,
            "refresh": self.check_disk,
        }

    async def start(self) -> None:
        """Open last time's project first, count the others behind it."""
        memory = self.app.memory
        place = memory.place(memory.project)
        if memory.project:
            try:
                await self.open(memory.project)
            except UsageError:
                memory.project = ""
            else:
                self._return_to_pane(place)
        await self.refresh()
        if self.screen.project_id is None:
            first = self._first()
            if first is not None:
                await self.open(first)
            else:
                self.screen.show_rows()
        self._return_to_screen(memory.screen)

    def _return_to_pane(self, place: Place) -> None:
        """Only while nothing else was done: keys may have been pressed before the library was open."""
        if place.pane in PANES and self.screen.panes.current == "media" and self.screen.in_front:
            self.screen.panes.show(place.pane)

    def _return_to_screen(self, name: str) -> None:
        if self.screen.in_front and name in ("jobs", "generate"):
            self.screen.making.jobs() if name == "jobs" else self.screen.making.new()

    def keep_place(self) -> None:
        """Remember where the open project stands."""
        screen = self.screen
        if screen.project_id is None:
            return
        shelf, media = screen.shelf, screen.media
        place = Place(
            media.key or "",
            media.cursor,
            shelf.words,
            shelf.order.column,
            shelf.order.reverse,
            screen.panes.current,
            media.scroll_offset.y,
        )
        self.app.memory.leave(screen.project_id, place)

    def _return_to(self, place: Place) -> None:
        media = self.screen.media
        if not media.go_to(place.key):
            media.cursor = max(0, min(place.row, len(media.keys) - 1))
        if place.top <= media.cursor < place.top + media.size.height:
            media.scroll_to(y=place.top, animate=False, force=True, immediate=True)

    def _first(self) -> str | None:
        summaries = self.screen.summaries.values()
        default = self.app.settings.default_project.casefold()
        by_name = next((s.id for s in summaries if s.name.casefold() == default), None)
        return by_name or next((s.id for s in summaries), None)

    async def open(self, project_id: str, *, focus: bool = False, afresh: bool = False) -> None:
        """Show a project as it was left, or `afresh`: unfiltered and from the top."""
        screen = self.screen
        found, since = await self._read(project_id)
        self.keep_place()
        place = Place() if afresh else self.app.memory.place(project_id)
        screen.project_id = project_id
        screen.media.set_marks(set())
        screen.shelf.words = place.words
        screen.shelf.order = remembered(place.sort_by, place.reverse)
        self._load(found, since)
        screen.project_list.set_opened(project_id)
        screen.project_list.go_to(project_id)
        screen.show_rows()
        self._return_to(place)
        screen.details.show_now()
        self.app.run_fenced(self._warm(screen.one_project), group="warm", node=screen)
        if found.notice:
            self.app.tell(found.notice, severity="warning")
        if focus:
            screen.panes.show("media")
        self.keep_place()
        self.app.memory.project = project_id
        self.app.remember()
        screen.telling.offering = False
        if self._comparing is not None:
            self._comparing.stop()
        if not screen.everywhere:
            self._comparing = screen.set_timer(COMPARE_SECONDS, lambda: self._compare_soon(project_id))

    def heard(self, changes: Sequence[ProjectChange]) -> None:
        """Keep what happens to a project that is being read: the list on its way may be older."""
        for project_id, since in self._reading:
            since += [change for change in changes if project_id in (EVERYWHERE, change.project_id)]

    async def _read(self, project_id: str) -> tuple[ProjectSnapshot | LibrarySnapshot, list[ProjectChange]]:
        """What is in a project or in all, and what happened since that was read."""
        reading: tuple[str, list[ProjectChange]] = (project_id, [])
        self._reading = [*self._reading, reading]
        try:
            if project_id != EVERYWHERE:
                return await self.app.ask(self.studio.open_project(project_id)), reading[1]
            everything = await self.app.ask(self.studio.open_all())
        finally:
            self._reading = [each for each in self._reading if each is not reading]
        self._held = everything.projects
        return everything, reading[1]

    def _load(self, found: ProjectSnapshot | LibrarySnapshot, since: Sequence[ProjectChange]) -> None:
        """Put what was read on the shelf; where all projects are, their names stand with the rows."""
        shelf = self.screen.shelf
        shelf.load(found.items, found.jobs)
        for change in since:
            self.screen.take(change)
        shelf.name_projects(self._held if self.screen.everywhere else {})

    def _names(self) -> dict[str, str]:
        return {summary.id: summary.name for summary in self.screen.summaries.values()}

    def _compare_soon(self, project_id: str) -> None:
        if self.screen.project_id == project_id:
            self.app.run_fenced(self._compare(project_id), group="compare", exclusive=True, node=self.screen)

    async def _compare(self, project_id: str) -> None:
        """Behind the list: check the files against the index, and offer what can be done."""
        try:
            found = await self.app.ask(self.studio.refresh(project_id))
        except MediatuiError:
            return  # nobody asked for it; F5 says what is wrong
        if self.screen.project_id == project_id:
            self.screen.telling.offer(len(found.orphans))

    async def _warm(self, project_id: str | None) -> None:
        """Have the texts of its items (None: of all) ready before the first key of a filter."""
        await asyncio.to_thread(self.studio.search.warm, project_id)

    def want(self, name: str) -> None:
        """A generation goes to the project of this name: show it, as soon as there is one, with its new jobs."""
        self._wanted, self._watching = name.casefold(), True
        self.app.run_fenced(self._open_wanted(), group="open-project", exclusive=True, node=self.screen)

    async def _open_wanted(self) -> None:
        found = next((s.id for s in self.screen.summaries.values() if self._wanted in (s.id, s.name.casefold())), None)
        if found is not None:
            self._wanted = ""
            if not self.screen.shows(found):
                await self.open(found, afresh=True)

    def reach_new_jobs(self, before: list[str] | None) -> None:
        """Put the cursor on the first job that was sent just now."""
        rows = self.screen.shelf.rows
        if self._watching and rows and rows[0] in self.screen.shelf.jobs and rows[0] not in (before or ()):
            self._watching = False
            self.screen.media.cursor = 0

    def refresh_soon(self) -> None:
        """Count the projects anew, not more often than twice a second."""
        if not self._refreshing:
            self._refreshing = True
            self.screen.set_timer(REFRESH_SECONDS, self._refresh_now)

    def _refresh_now(self) -> None:
        self._refreshing = False
        self.app.run_fenced(self.refresh(), group="projects", exclusive=True, node=self.screen)

    async def refresh(self) -> None:
        """Show the projects as they are."""
        screen = self.screen
        summaries = await self.app.ask(self.studio.projects())
        gone = screen.summaries.get(screen.project_id or "")
        screen.summaries = {summary.id: summary for summary in summaries}
        screen.project_list.empty = f"No project yet.\n{self.press('new-project')} makes one."
        screen.project_list.show_projects(summaries)
        if self._wanted:
            await self._open_wanted()
        if screen.everywhere and len(summaries) > 1:
            await self._follow_all()
        elif screen.project_id not in screen.summaries and (summaries or screen.project_id is not None):
            if gone is not None:  # beside this: another refresh may come and take this one's place
                self.app.run_fenced(self._tell_gone(gone), group="gone", node=screen)
            await self._open_another()
        screen.telling.show_title()
        screen.show_status()

    async def _follow_all(self) -> None:
        """Projects came or went while all are shown: their items as well."""
        screen = self.screen
        if self._held.keys() != {summary.id for summary in screen.summaries.values() if summary.opened}:
            self._load(*await self._read(EVERYWHERE))
            screen.show_rows()
            return
        if screen.shelf.name_projects(self._names()):
            screen.show_rows()
            screen.media.refresh()
            screen.details.show_now()

    async def _open_another(self) -> None:
        first = self._first()
        if first is not None:
            await self.open(first)
            return
        self.screen.project_id = None
        self.screen.shelf.load((), ())
        self.screen.show_rows()

    async def _tell_gone(self, gone: ProjectSummary) -> None:
        """The project that was open is not there any more: another one is shown, and nobody may overlook that."""
        from mediatui.library.deleted import deleted_parts

        deleted = await self.app.ask(self.studio.organise.deleted_projects())
        if deleted and deleted_parts(deleted[0])[0] == gone.id:
            self.app.tell(f"“{gone.name}” went to the trash.")
        else:
            words = f"“{gone.name}” is gone: its folder is no longer there."
            self.app.tell(words, hint="When the folder is back, so is the project.", severity="warning")

    def _at_cursor(self) -> ProjectSummary:
        """The project under the cursor where the projects have the focus, else the open one."""
        screen = self.screen
        key = screen.project_list.key if screen.panes.current == "projects" else screen.project_id
        summary = screen.summaries.get(key or "")
        if summary is None and key == EVERYWHERE:
            raise UsageError("these are all projects", hint="Choose one of them in the projects pane.")
        if summary is None:
            raise UsageError("there is no project here", hint=f"{self.press('new-project')} makes one.")
        return summary

    async def create(self) -> None:
        """Ask for a name and make a project."""
        name = await self.app.push_screen_wait(AskScreen("New project", placeholder="Its name", verb="create"))
        if name is None:
            return
        if (known := self._named(name)) is not None:
            await self.open(known.id, focus=True)
            self.app.tell(f"“{known.name}” is there already.")
            return
        project = await self.app.ask(self.studio.create_project(name))
        await self.open(project.id, focus=True)
        await self.refresh()

    def _named(self, name: str) -> ProjectSummary | None:
        """The project of this name, in whatever letter case: two would be mistaken for each other."""
        wanted = one_line(name).strip().casefold()
        return next((each for each in self.screen.summaries.values() if each.name.casefold() == wanted), None)

    async def rename(self) -> None:
        """Ask for another name."""
        summary = self._at_cursor()
        name = await self.app.push_screen_wait(AskScreen(f"Rename “{summary.name}”", summary.name, verb="rename"))
        if name is None or name == summary.name:
            return
        if (known := self._named(name)) is not None and known.id != summary.id:
            raise UsageError(f"there is a project “{known.name}” already", hint="Choose another name.")
        await self.app.ask(self.studio.organise.rename_project(summary.id, name))
        await self.refresh()
        self.app.tell(f"Renamed to “{name}”. {self.press('undo')} takes it back.")

    async def delete(self) -> None:
        """Show what the project holds, ask, and move it to the trash."""
        summary = self._at_cursor()
        lines = [f"{plural(summary.items, 'item')}, {human_bytes(summary.bytes)}, with all their records."]
        if summary.unsaved:
            lines.append(f"{summary.unsaved} of them unsaved: {self.press('retry-all')} saves what can be saved first.")
        if summary.running:
            lines.append(f"{plural(summary.running, 'job')} still running.")
        lines.append(f"Nothing is erased: {self.press('undo')} brings it back.")
        title = f"Move project “{summary.name}” to the trash?"
        if not await self.app.push_screen_wait(ConfirmScreen(title, lines, "move to trash")):
            return
        done = await self.app.ask(self.studio.organise.delete_project(summary.id))
        await self.refresh()
        self.screen.tidying.tell(
            f"“{summary.name}” is in the trash: {plural(summary.items, 'item')}, {human_bytes(summary.bytes)}. "
            f"{self.press('undo')} brings it back.",
            done,
        )

    async def policy(self) -> None:
        """Choose what happens to finished outputs of the project."""
        summary = self._at_cursor()
        policies = (
            Choice("d", "As the settings say", ""),
            Choice("a", "Save automatically", SavePolicy.AUTOMATIC),
            Choice("o", f"Save on demand ({self.press('save')})", SavePolicy.ON_DEMAND),
            Choice("u", "Keep only the URL", SavePolicy.URL_ONLY),
        )
        chosen = await self.app.push_screen_wait(
            MenuScreen(f"Finished outputs of “{summary.name}”", policies, summary.save_policy or "")
        )
        if chosen is not None:
            await self.app.ask(self.studio.set_save_policy(summary.id, SavePolicy(chosen) if chosen else None))
            await self.refresh()
            self.app.tell("Save policy changed.")

    async def check_disk(self) -> None:
        """Compare the project with its files."""
        if self.screen.project_id is None:
            raise UsageError("no project is open", hint=f"{self.press('new-project')} makes one.")
        if self.screen.everywhere:
            await self._check_all()
            return
        found = await self.app.ask(self.studio.refresh(self.screen.project_id))
        differing = (*found.missing, *found.returned, *found.orphans, *found.parts, *found.adopted)
        if differing:
            from mediatui.tui.screens.disk import DiskScreen

            self.app.push_screen(DiskScreen(self.screen.project_id, found))
        else:
            self.app.tell("The disk agrees with the index.")
        await self.refresh()

    async def _check_all(self) -> None:
        """Compare every project with its files; say where they differ."""
        names, differing = self._names(), []
        for project_id in names:
            found = await self.app.ask(self.studio.refresh(project_id))
            if any((found.missing, found.returned, found.orphans, found.parts, found.adopted)):
                differing.append(names[project_id])
        await self.refresh()
        if differing:
            more = f" and {plural(len(differing) - 1, 'more project')}" if len(differing) > 1 else ""
            self.app.tell(
                f"The disk differs in “{differing[0]}”{more}.", hint=f"Open it, then {self.press('refresh')}."
            )
        else:
            self.app.tell("The disk agrees with the index of every project.")
