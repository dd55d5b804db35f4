"""The library."""

from __future__ import annotations

from collections.abc import Iterable

from mediatui.tui.action import GO, KEEP, LOOK, MAKE, MARK, MOVE, SCREEN, SORT, TIDY, Action


def library_actions() -> Iterable[Action]:
    """The library screen."""

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
