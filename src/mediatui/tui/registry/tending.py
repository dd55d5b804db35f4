"""Keeping a library in order, and what was logged."""

from __future__ import annotations

from collections.abc import Iterable

from mediatui.tui.action import GO, KEEP, LOOK, SCREEN, TIDY, Action


def tending_actions() -> Iterable[Action]:
    """Trash, clean-up, disk usage, import."""

    def on(scope: str, id: str, title: str, help: str, keys: str, short: str = "", **more: bool) -> Action:
        return Action(id, title, help, tuple(keys.split()), TIDY, scope, SCREEN, short, **more)

    yield on("trash", "restore", "Restore", "Bring this back to where it was.", "r", "restore")
    yield on("trash", "undo", "Undo", "Take back what was done last.", "u", "undo")
    yield on("trash", "erase", "Remove for good…", "Remove this entry or project; asks for the number.", "D", "remove")
    yield on("trash", "empty", "Empty the trash…", "Remove everything in it; asks for the number.", "E", "empty")
    yield on("trash", "back", "Back", "Return to the library.", "escape q Z", "back")
    yield on("clean", "toggle", "Choose", "Choose or drop this line.", "space", "choose")
    yield on("clean", "start", "Clean up…", "Show what goes, ask, and do it.", "ctrl+s c", "clean up", priority=True)
    yield on("clean", "everywhere", "This or all projects", "Look at all projects, or at one.", "tab", "all projects")
    yield on("clean", "days", "Days…", "How old something must be.", "d", "days")
    yield on("clean", "undo", "Undo", "Take back what was done last.", "u", "undo")
    yield on("clean", "back", "Back", "Return to the library.", "escape q C", "back")
    yield on("usage", "next", "Next table", "Per project, model, month, type.", "tab right l", "next table")
    yield on("usage", "previous", "Table before", "The table before.", "shift+tab left h")
    yield on("usage", "back", "Back", "Return to the library.", "escape q B", "back")
    yield on("import", "start", "Look, then import", "Plan it; again: bring it in.", "ctrl+s f5", "go", priority=True)
    yield on("import", "back", "Back", "Stop and leave; what is imported stays.", "escape", "back", priority=True)


def reports_actions() -> Iterable[Action]:
    """The log, and what differs between index and disk."""

    def on(scope: str, id: str, title: str, help: str, keys: str, short: str = "", group: str = LOOK) -> Action:
        return Action(id, title, help, tuple(keys.split()), group, scope, SCREEN, short)

    yield on("log", "filter", "Filter", "Show only steps with these words: a step, an outcome.", "slash", "filter")
    yield on("log", "failures", "Failures only", "Show only what failed, or everything again.", "f", "failures")
    yield on("log", "everything", "All steps", "Show the steps of everything, not of one item or job.", "e", "all")
    yield on("log", "copy", "Copy", "Copy the steps that are shown.", "y", "copy")
    yield on("log", "back", "Back", "Return.", "escape q L", "back", GO)
    yield on("disk", "adopt", "Take it in", "Make an item of this file.", "a", "take it in", KEEP)
    yield on("disk", "adopt-all", "Take all in", "Make items of all files nobody knows.", "A", "take all in", KEEP)
    yield on("disk", "fetch", "Fetch again", "Save the missing files again from their URLs.", "r", "fetch again", KEEP)
    yield on("disk", "back", "Back", "Return to the library.", "escape q f5", "back", GO)
