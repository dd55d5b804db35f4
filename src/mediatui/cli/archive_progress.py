"""How far an export or an import is, as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediatui.cli.progress import Line, Progress
from mediatui.studio.events import ExportProgress, ImportProgress
from mediatui.text import human_bytes, plural

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.studio.events import Event


class ArchiveProgress:
    """The last progress event of one kind as a line; plain output says it once per tenth."""

    def __init__(self, context: Context, kind: type[ExportProgress | ImportProgress], verb: str) -> None:
        """`verb` is what is being done: ``export``, ``import``."""
        self.bar = Progress(context.output)
        self._kind, self._verb = kind, verb
        self._last: ExportProgress | ImportProgress | None = None

    def hear(self, event: Event) -> None:
        """Take in an event of the studio."""
        if isinstance(event, self._kind):
            self._last = event

    def lines(self) -> list[Line]:
        """The line to show now."""
        if (at := self._last) is None:
            return []
        tenths = 10 * at.done_bytes // at.total_bytes if at.total_bytes else 10
        live = f"{at.done_files} of {plural(at.total_files, 'file')}  {human_bytes(at.done_bytes)}  {at.current}"
        return [Line(self._verb, f"{self._verb}ing {10 * min(tenths, 10)}%", live)]
