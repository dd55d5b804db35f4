"""Forms, dialogs and pickers."""

from __future__ import annotations

from collections.abc import Iterable

from mediatui.tui.action import FORM, SCREEN, WIDGET, Action


def forms_actions() -> Iterable[Action]:
    """Forms, dialogs and pickers."""

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
        "to the list",
        palette=False,
    )
    yield on("filter", "filter-drop", "Drop the filter", "Show everything again.", "escape", "drop", palette=False)
    yield on(
        "filter", "filter-accept", "Complete", "Type what is offered below the line.", "tab", "complete", palette=False
    )
    yield on(
        "filter",
        "filter-next",
        "Next offer",
        "Choose the next one that is offered.",
        "shift+tab",
        "next offer",
        palette=False,
    )
    yield on(
        "filter", "filter-name", "Keep under a name…", "Keep this filter for later.", "ctrl+s", "name it", palette=False
    )
    yield on("item", "back", "Back", "Close this view.", "escape q i", "back")
    yield on("item", "copy", "Copy…", "Copy the prompt, path, URL or JSON.", "y", "copy")
    yield on("item", "open-outside", "Open outside", "Open the file in its own program.", "o", "open")
    yield on("item", "wider", "Show JSON", "Switch between the facts and the whole record.", "tab", "JSON")
    yield on("help", "back", "Back", "Close the help.", "escape", "back", priority=True)
    yield on("form", "next-field", "Next field", "Go to the next field.", "tab down", palette=False)
    yield on("form", "previous-field", "Field before", "Go to the field before.", "shift+tab up", palette=False)
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
