"""Looking at items, and at jobs."""

from __future__ import annotations

from collections.abc import Iterable

from mediatui.tui.action import GO, KEEP, LOOK, MAKE, MOVE, SCREEN, Action


def viewer_actions() -> Iterable[Action]:
    """One item on the whole screen."""

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


def compare_actions() -> Iterable[Action]:
    """Two items side by side."""

    def on(id: str, title: str, help: str, keys: str, short: str = "") -> Action:
        return Action(id, title, help, tuple(keys.split()), LOOK, "compare", SCREEN, short)

    yield on("wider", "Show all", "Show what is the same as well.", "tab", "all")
    yield on("swap", "Swap", "Put the left one right.", "x", "swap")
    yield on("open-left", "Open the left one", "Open the left file in its own program.", "o 1", "open left")
    yield on("open-right", "Open the right one", "Open the right file in its own program.", "O 2", "open right")
    yield on("back", "Back", "Return to the list.", "escape q equals_sign", "back")


def jobs_actions() -> Iterable[Action]:
    """The jobs screen."""

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
    yield on("undo", "Undo", "Take back what was done last.", "u")
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
