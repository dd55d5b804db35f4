"""The one registry of actions: it feeds key bindings, the key bar, the help screen and the command palette.

A scope is where an action's keys work: ``app`` everywhere, a screen's name on that screen, a widget's name
while that widget has the focus. A key means one thing in a scope; an inner scope may give it another meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from textual.binding import Binding, BindingType
from textual.keys import key_to_character


class Target(StrEnum):
    """Who answers: the app, the screen in front, or the widget that holds the binding."""

    APP = "app"
    SCREEN = "screen"
    WIDGET = "widget"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do with a key."""

    id: str
    title: str
    """Two words or so; the key bar shows the first `short` of it."""
    help: str
    """One sentence for the help screen."""
    keys: tuple[str, ...]
    group: str
    scope: str
    target: Target = Target.SCREEN
    short: str = ""
    """The word in the key bar; empty: not shown there."""
    palette: bool = True
    """Listed in the command palette while its scope is on screen."""
    priority: bool = False
    """Its keys win over the focused widget, text fields included."""

    @property
    def binding_id(self) -> str:
        """The identifier of its bindings, unique in the registry."""
        return f"{self.scope}.{self.id}"

    def binding(self) -> Binding:
        """Its Textual binding."""
        prefix = "" if self.target is Target.WIDGET else f"{self.target.value}."
        return Binding(
            ",".join(self.keys),
            f"{prefix}act('{self.id}')",
            self.title,
            show=bool(self.short),
            tooltip=self.help,
            id=self.binding_id,
            priority=self.priority,
        )


APP, SCREEN, WIDGET = Target.APP, Target.SCREEN, Target.WIDGET
LOOK, MARK, MAKE, KEEP, TIDY, GO = "Look", "Mark", "Make", "Keep", "Projects and trash", "Everywhere"
MOVE, FORM, SORT = "Move", "Forms and dialogs", "Organise"


def _app() -> Iterable[Action]:
    yield Action("palette", "Commands", "Find any command by its name.", ("ctrl+p",), GO, "app", APP, palette=False)
    yield Action(
        "help", "Help", "Every key of this screen, to search.", ("question_mark", "f1"), GO, "app", APP, "help"
    )
    yield Action("quit-now", "Quit", "Leave; asks only while jobs run.", ("ctrl+q",), GO, "app", APP, priority=True)
    yield Action("interrupt", "How to quit", "Says how to leave.", ("ctrl+c",), GO, "app", APP, palette=False)
    yield Action("theme", "Change theme…", "Choose the colours; each is shown at once.", ("f9",), GO, "app", APP)
    yield Action("compact", "Compact or roomy", "Leave out the key bar and margins.", ("f10",), GO, "app", APP)
    yield Action("welcome", "First steps", "Five keys to begin with.", ("f3",), GO, "app", APP)


def _lists() -> Iterable[Action]:
    moves = (
        ("down", "Down", "Next row.", ("j", "down")),
        ("up", "Up", "Previous row.", ("k", "up")),
        ("page-down", "Page down", "One page on.", ("pagedown", "ctrl+f")),
        ("page-up", "Page up", "One page back.", ("pageup", "ctrl+b")),
        ("half-down", "Half a page down", "Half a page on.", ("ctrl+d",)),
        ("half-up", "Half a page up", "Half a page back.", ("ctrl+u",)),
        ("first", "First", "The first row.", ("g", "home")),
        ("last", "Last", "The last row.", ("G", "end")),
    )
    for id, title, help, keys in moves:
        yield Action(id, title, help, keys, MOVE, "list", WIDGET, palette=False)
    yield Action("open", "Open", "Open the row under the cursor.", ("enter",), MOVE, "list", WIDGET, palette=False)
    for id, title, help, keys in moves:
        yield Action(id, title, help.replace("row", "line"), keys, MOVE, "text", WIDGET, palette=False)
    yield Action("grid-left", "Left", "The picture left of it.", ("left", "h"), MOVE, "grid", WIDGET, palette=False)
    yield Action("grid-right", "Right", "The picture right.", ("right", "l"), MOVE, "grid", WIDGET, palette=False)
    yield Action("mark", "Mark", "Mark or unmark this row.", ("space",), MARK, "media", WIDGET, palette=False)
    yield Action("range", "Mark a range", "Start or end marking rows while moving.", ("v",), MARK, "media", WIDGET)
    yield Action(
        "mark-down", "Mark downwards", "Mark and move down.", ("shift+down",), MARK, "media", WIDGET, palette=False
    )
    yield Action("mark-up", "Mark upwards", "Mark and move up.", ("shift+up",), MARK, "media", WIDGET, palette=False)
    yield Action("mark-all", "Mark all", "Mark every row that is shown.", ("A",), MARK, "media", WIDGET)
    yield Action(
        "invert", "Invert marks", "Mark what is not marked, of what is shown.", ("asterisk",), MARK, "media", WIDGET
    )
    yield Action(
        "toggle", "Choose", "Choose or drop this model.", ("space", "enter"), FORM, "models", WIDGET, palette=False
    )


def _library() -> Iterable[Action]:
    def on(id: str, title: str, help: str, keys: str, group: str, short: str = "", **more: bool) -> Action:
        return Action(id, title, help, tuple(keys.split()), group, "library", SCREEN, short, **more)

    yield on("new", "New generation", "Write a prompt, choose models, generate.", "n", MAKE, "new")
    yield on("details", "Open details", "The whole of this item: prompt, error, JSON.", "i", LOOK)
    yield on("view", "View", "This item on the whole screen: look closer, scrub, play.", "f", LOOK, "view")
    yield on("grid", "Grid or list", "Show the list as pictures, or as lines.", "b", LOOK)
    yield on("compare", "Compare", "Two marked items side by side, and how they differ.", "equals_sign", LOOK)
    yield on("filter", "Filter", "Show only rows that match; tab completes.", "slash", LOOK, "filter")
    yield on("filters", "Filters…", "Choose a filter that was kept under a name.", "apostrophe", LOOK)
    yield on("sort", "Sort by…", "Choose the order of the list.", "s", LOOK, "sort")
    yield on("reverse", "Reverse order", "Turn the order of the list around.", "S", LOOK)
    yield on("jobs", "Jobs", "What is being made, and what failed.", "t", MAKE, "jobs")
    yield on("save", "Save", "Save this item, or the marked ones, to disk.", "w", KEEP, "save")
    yield on("retry", "Retry saving", "Try again to save this item, or the marked ones.", "r", KEEP)
    yield on("retry-all", "Save all unsaved", "Try to save everything that is not on disk.", "R", KEEP)
    yield on(
        "save-to-disk",
        "Save all to disk",
        "Save every item of this project that has no local file, also those kept by URL.",
        "W",
        KEEP,
    )
    yield on("clean-old", "Clean up…", "What could go: old, failed, missing, double; a plan first.", "C", TIDY)
    yield on("trash-bin", "Trash…", "What was removed: restore it, or empty the trash.", "Z", TIDY)
    yield on("usage", "Disk usage…", "Bytes per project, model, month and type.", "B", TIDY)
    yield on("import", "Import…", "Bring in an export, a project or a folder of media; a plan first.", "X", KEEP)
    yield on("regenerate", "Make it anew…", "Generate this item again: a new request, a new payment.", "ctrl+g", MAKE)
    yield on("log", "Log", "The steps of this item or job, as they happen.", "L", LOOK)
    yield on("export", "Export project…", "Pack the project into a ZIP file; shows a plan first.", "x", KEEP, "export")
    yield on("copy", "Copy…", "Copy the prompt, path, URL or JSON.", "y", LOOK, "copy")
    yield on("open-outside", "Open outside", "Open the file in its own program.", "o", LOOK)
    yield on("open-with", "Open with…", "Choose a program, or a path, scp line or URL to copy.", "O", LOOK)
    yield on("again", "Generate again…", "Open the generate screen filled with this item's inputs.", "a", MAKE)
    yield on("vary", "Vary…", "The generate screen with this item's inputs but another seed.", "V", MAKE)
    yield on("as-input", "Use as input…", "Begin with this item: choose a model that takes it.", "I", MAKE)
    yield on("trash", "Move to trash", "Move this item, or the marked ones, to the trash.", "d delete", TIDY)
    yield on("undo", "Undo", "Take back what was done last: trash, move, rename, tags, projects.", "u", TIDY)
    yield on("redo", "Redo", "Do again what was taken back last.", "U ctrl+r", TIDY)
    yield on("tag", "Tags…", "Add or remove tags of this item, or of the marked ones.", "T", SORT)
    yield on("rate", "Rate…", "Give one to five stars, or none.", "z", SORT)
    yield on("rate-up", "One star more", "Rate this item, or the marked ones, one star higher.", "plus", SORT)
    yield on("rate-down", "One star less", "One star lower; below one is unrated.", "minus", SORT)
    yield on("favourite", "Favourite", "Make it a favourite, or not any more.", "F", SORT)
    yield on("note", "Notes…", "Write a note on this item, or on the marked ones.", "N", SORT)
    yield on("rename", "Rename…", "Give this item another name; a project in the projects pane.", "e", SORT)
    yield on("move", "Move to project…", "Move this item, or the marked ones, to another project.", "m", SORT)
    yield on("copy-to", "Copy to project…", "Copy this item, or the marked ones, to another project.", "M", SORT)
    yield on("new-project", "New project…", "Create a project.", "p", TIDY)
    yield on("rename-project", "Rename project…", "Give this project another name.", "E", TIDY)
    yield on(
        "delete-project", "Delete project…", "Move this project to the trash; shows what it holds first.", "D", TIDY
    )
    yield on("policy", "Save policy…", "What happens to finished outputs of this project.", "P", TIDY)
    yield on("refresh", "Check the disk", "Compare the project with its files and show what changed.", "f5", LOOK)
    yield on("next-pane", "Next pane", "Move to the next pane.", "tab l right", MOVE, palette=False)
    yield on("previous-pane", "Previous pane", "Move to the previous pane.", "shift+tab h left", MOVE, palette=False)
    yield on("pane-projects", "Projects pane", "Go to the projects.", "1", MOVE)
    yield on("pane-media", "Media pane", "Go to the media list.", "2", MOVE)
    yield on("pane-detail", "Detail pane", "Go to the details.", "3", MOVE)
    yield on("clear", "Clear", "Drop the range, the marks or the filter.", "escape", MARK)
    yield on("quit", "Quit", "Leave; asks only while jobs run.", "q", GO, "quit", palette=False)


def _viewer() -> Iterable[Action]:
    def on(id: str, title: str, help: str, keys: str, short: str = "", group: str = LOOK) -> Action:
        return Action(id, title, help, tuple(keys.split()), group, "viewer", SCREEN, short)

    yield on("play", "Play or pause", "Play the clip here, without sound; sound goes to a player.", "space", "play")
    yield on("forward", "Forward", "The next frame, or a second on; the next picture.", "right l", "scrub", MOVE)
    yield on("backward", "Back a little", "The frame before, or a second back; the picture before.", "left h", "", MOVE)
    yield on("faster", "Faster", "Play faster.", "right_square_bracket", "faster")
    yield on("slower", "Slower", "Play slower.", "left_square_bracket")
    yield on("stop", "Stop playing", "Back to the frames.", "s")
    yield on("start", "To the start", "Go to the first moment.", "0 home", "", MOVE)
    yield on("end", "To the end", "Go to the last moment.", "dollar_sign end", "", MOVE)
    yield on("next-item", "Next item", "The next item of the list.", "n pagedown", "next", MOVE)
    yield on("previous-item", "Previous item", "The item before.", "p pageup", "previous", MOVE)
    yield on("down", "Down", "The next item; down in an enlarged picture.", "down j", "", MOVE)
    yield on("up", "Up", "The item before; up in an enlarged picture.", "up k", "", MOVE)
    yield on("zoom", "Enlarge", "Look closer at a picture: twice, four times, whole.", "z", "zoom")
    yield on("save", "Save", "Save this item to disk.", "w", "", KEEP)
    yield on("copy", "Copy…", "Copy the prompt, path, URL or JSON.", "y", "copy")
    yield on("open-outside", "Open outside", "Open the file in its own program.", "o", "open")
    yield on("open-with", "Open with…", "Choose a program, or a path, scp line or URL to copy.", "O")
    yield on("back", "Back", "Return to the list, at this item.", "escape q f", "back", GO)


def _compare() -> Iterable[Action]:
    def on(id: str, title: str, help: str, keys: str, short: str = "") -> Action:
        return Action(id, title, help, tuple(keys.split()), LOOK, "compare", SCREEN, short)

    yield on("wider", "Show all", "Show what is the same as well.", "tab", "all")
    yield on("swap", "Swap", "Put the left one right.", "x", "swap")
    yield on("open-left", "Open the left one", "Open the left file in its own program.", "o 1", "open left")
    yield on("open-right", "Open the right one", "Open the right file in its own program.", "O 2", "open right")
    yield on("back", "Back", "Return to the list.", "escape q equals_sign", "back")


def _jobs() -> Iterable[Action]:
    def on(id: str, title: str, help: str, keys: str, short: str = "", group: str = MAKE, **more: bool) -> Action:
        return Action(id, title, help, tuple(keys.split()), group, "jobs", SCREEN, short, **more)

    yield on("cancel", "Cancel job", "Ask the provider to stop this job.", "c", "cancel")
    yield on(
        "recheck",
        "Ask again",
        "Ask the provider again for this job's state and result; sends nothing new, costs nothing.",
        "r",
        "ask again",
    )
    yield on(
        "recheck-all",
        "Ask again for all failed",
        "Ask the provider again for every failed or unknown job; costs nothing.",
        "R",
        "all failed",
    )
    yield on("dismiss", "Dismiss", "Take this ended job off the list.", "d delete", "dismiss")
    yield on("dismiss-ended", "Dismiss all ended", "Take every ended job off the list.", "x")
    yield on(
        "again",
        "Generate again…",
        "Open the generate screen filled with this job's inputs: a new request and a new payment.",
        "g a",
        "again",
        priority=True,
    )
    yield on(
        "forget",
        "Give up an unknown job…",
        "Close a job nobody can find at the provider, and take it off the list.",
        "f",
    )
    yield on("log", "Log", "The steps of this job, as they happen.", "L", "log", LOOK)
    yield on("copy", "Copy…", "Copy the prompt, error, request id or JSON.", "y", group=LOOK)
    yield on("new", "New generation", "Write a prompt, choose models, generate.", "n", "new")
    yield on("back", "Back", "Return to the library.", "escape q t", "back", GO)


def _tending() -> Iterable[Action]:
    def on(scope: str, id: str, title: str, help: str, keys: str, short: str = "", **more: bool) -> Action:
        return Action(id, title, help, tuple(keys.split()), TIDY, scope, SCREEN, short, **more)

    yield on("trash", "restore", "Restore", "Bring this back to where it was.", "r", "restore")
    yield on("trash", "undo", "Undo", "Take back what was done last.", "u", "undo")
    yield on("trash", "erase", "Remove for good…", "Remove this entry; asks for the number of items.", "D", "remove")
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


def _reports() -> Iterable[Action]:
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


def _forms() -> Iterable[Action]:
    def on(scope: str, id: str, title: str, help: str, keys: str, short: str = "", **more: bool) -> Action:
        return Action(id, title, help, tuple(keys.split()), FORM, scope, SCREEN, short, **more)

    yield on(
        "generate",
        "submit",
        "Generate",
        "Send the prompt to the chosen models.",
        "ctrl+s f5",
        "generate",
        priority=True,
    )
    yield on("generate", "back", "Keep and go back", "Return to the library; what you typed is kept.", "escape", "back")
    yield on("generate", "find-model", "Find a model", "Go to the model search.", "f2", "models", priority=True)
    yield on(
        "generate", "history", "Prompts before…", "Choose a prompt sent before.", "ctrl+r f6", "before", priority=True
    )
    yield on(
        "generate",
        "templates",
        "Templates…",
        "Fill in a template, or keep the prompt as one.",
        "ctrl+t f7",
        "templates",
        priority=True,
    )
    yield on(
        "generate",
        "reset",
        "Start afresh",
        "Empty the prompt and put every field back to its default.",
        "f8",
        priority=True,
    )
    yield on(
        "filter",
        "filter-keep",
        "Keep the filter",
        "Return to the list with the filter on.",
        "enter down",
        palette=False,
    )
    yield on("filter", "filter-accept", "Complete", "Type what is offered below the line.", "tab", palette=False)
    yield on("filter", "filter-next", "Next offer", "Choose the next one that is offered.", "shift+tab", palette=False)
    yield on("filter", "filter-name", "Keep under a name…", "Keep this filter for later.", "ctrl+s", palette=False)
    yield on("filter", "filter-drop", "Drop the filter", "Show everything again.", "escape", palette=False)
    yield on("item", "back", "Back", "Close this view.", "escape q i", "back")
    yield on("item", "copy", "Copy…", "Copy the prompt, path, URL or JSON.", "y", "copy")
    yield on("item", "open-outside", "Open outside", "Open the file in its own program.", "o", "open")
    yield on("item", "wider", "Show JSON", "Switch between the facts and the whole record.", "tab", "JSON")
    yield on("help", "back", "Back", "Close the help.", "escape", "back", priority=True)
    yield on("form", "next-field", "Next field", "Go to the next field.", "tab", palette=False)
    yield on("form", "previous-field", "Field before", "Go to the field before.", "shift+tab", palette=False)
    choices = (
        ("next-choice", "Next choice", "The next of the choices.", ("right", "space", "l")),
        ("previous-choice", "Choice before", "The choice before.", ("left", "h")),
        ("all-choices", "All choices…", "Show all choices.", ("enter",)),
    )
    for id, title, help, keys in choices:
        yield Action(id, title, help, keys, FORM, "choice", WIDGET, palette=False)
    yield on("export", "start", "Export", "Write the ZIP file or the folder.", "ctrl+s f5", "export", priority=True)
    yield on(
        "export", "back", "Cancel", "Stop and leave; a half-written file is removed.", "escape", "cancel", priority=True
    )
    yield on("confirm", "yes", "Yes", "Do it.", "y", "yes")
    yield on("confirm", "back", "No", "Leave everything as it is.", "escape n q", "no")
    yield on("ask", "yes", "Done", "Take this text.", "ctrl+s", "done", priority=True)
    yield on("ask", "back", "Cancel", "Leave everything as it is.", "escape", "cancel", priority=True)
    yield on("pick", "take", "Choose", "Take the row under the cursor.", "enter", "choose", priority=True)
    yield on("pick", "pick-down", "Down", "Next row.", "down ctrl+n", priority=True, palette=False)
    yield on("pick", "pick-up", "Up", "Previous row.", "up", priority=True, palette=False)
    yield on("pick", "pick-page-down", "Page down", "One page on.", "pagedown", priority=True, palette=False)
    yield on("pick", "pick-page-up", "Page up", "One page back.", "pageup", priority=True, palette=False)
    yield on("pick", "remove", "Remove", "Remove this row, where rows can be removed.", "ctrl+x", priority=True)
    yield on("pick", "back", "Close", "Close without choosing.", "escape", "close", priority=True)
    yield on("menu", "back", "Cancel", "Close the menu.", "escape q", "cancel")


ACTIONS: tuple[Action, ...] = (
    *_app(),
    *_lists(),
    *_library(),
    *_viewer(),
    *_compare(),
    *_jobs(),
    *_tending(),
    *_reports(),
    *_forms(),
)
"""Every action there is."""


@lru_cache(maxsize=64)
def in_scope(scope: str) -> tuple[Action, ...]:
    """The actions of one scope, in the order of the registry."""
    return tuple(action for action in ACTIONS if action.scope == scope)


def bindings(*scopes: str) -> list[BindingType]:
    """The key bindings of some scopes, for a ``BINDINGS`` class variable."""
    return [action.binding() for scope in scopes for action in in_scope(scope)]


def action(scope: str, id: str) -> Action:
    """One action; `KeyError` when there is none."""
    found = next((a for a in in_scope(scope) if a.id == id), None)
    if found is None:
        raise KeyError(f"{scope}.{id}")
    return found


_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "asterisk": "*",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "dollar_sign": "$",
    "plus": "+",
    "minus": "-",
    "apostrophe": "'",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "delete": "del",
}
_ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→", "enter": "⏎"}


def key_name(key: str, *, ascii: bool = False) -> str:
    """A key as people write it: ``ctrl+p`` → ``^p``, ``question_mark`` → ``?``; `ascii` writes arrows as words."""
    *modifiers, last = key.split("+")
    name = _SHOWN.get(last) or ("" if ascii else _ARROWS.get(last, "")) or key_to_character(last) or last
    if last[0] == "f" and last[1:].isdigit():
        name = last.upper()
    elif last in ("space", "tab", "enter") and name not in _ARROWS.values():
        name = last
    return "".join("^" if m == "ctrl" else f"{m}+" for m in modifiers) + name


def key_names(found: Action) -> str:
    """All keys of an action, as people write them."""
    return " ".join(key_name(key) for key in found.keys)
