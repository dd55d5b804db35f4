"""Keeping the indexes of opened projects true to their folders while somebody else works in them."""

from __future__ import annotations

from mediatui.errors import StorageError
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import Differences, reconcile
from mediatui.library.watch import FileWatch
from mediatui.studio.core import Core
from mediatui.studio.events import Notice
from mediatui.text import plural


class Guarding:
    """Looks at the files of every opened project; called again and again, on one thread at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._watch = FileWatch()

    def look(self) -> None:
        """Record what came or went, and tell of what is gone."""
        for project in self._core.library.open_projects():
            if self._watch.differs(project):
                self._put_right(project)

    def _put_right(self, project: ProjectFolder) -> None:
        try:
            put_right(self._core, project)
        except StorageError:
            # A disk that refuses is told of by whatever somebody wants to do on it.
            self._watch.look_again(project)


def put_right(core: Core, project: ProjectFolder) -> Differences:
    """Bring the index up to what the disk shows; whoever finds files gone first tells, once. Raises `StorageError`."""
    found = reconcile(project)
    if found.missing:
        count = len(found.missing)
        words = f"{plural(count, 'file')} of “{project.record.name}” {'is' if count == 1 else 'are'} gone"
        hint = f"Saving {'it' if count == 1 else 'them'} again fetches what its URL still gives."
        core.emit(Notice("warning", "Files are gone", words, hint, project_id=project.id))
    return found
