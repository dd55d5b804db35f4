"""Writes docs/keys.md from the registry of actions: ``python docs/keys_page.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mediatui.tui.action import Action
from mediatui.tui.actions import ACTIONS, key_name
from mediatui.tui.own_keys import RESERVED
from mediatui.tui.screens.help import place_of

PAGE = Path(__file__).parent / "keys.md"

INTRODUCTION = """\
# Keys

Made by `docs/keys_page.py` from the registry of actions; `?` shows the same inside the interface, to search by
words or by key, and `mediatui keys` prints it. A mouse click on the key bar presses a key.

## Keys of your own

In `config.toml`, by the action's name below. A key or a list of keys takes the place of the default ones:

```toml
[keys]
"library.trash" = "ctrl+t"
"library.save" = ["w", "ctrl+w"]
```

Keys are written as `x`, `X`, `?`, `f5`, `ctrl+t`, `shift+down`, `pgdn`, `esc`, `space` …; `^t` and `C-t` are understood
too. What cannot be used is told at the start and by `mediatui keys`, and the default stays: an unknown action or key,
a key that another action has in the same place, a plain character where text is typed, and keys that terminals, or
tmux, do not pass on (`ctrl+enter`, `ctrl+i`, `alt+x` …) unless one that arrives stands beside them.
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield INTRODUCTION
    reserved = "; ".join(f"`{key_name(key)}`: {why}" for key, why in RESERVED.items())
    yield f"Not to be given away: {reserved}."
    for scope in dict.fromkeys(action.scope for action in ACTIONS):
        yield f"\n## {place_of(scope).capitalize()}\n"
        yield "| keys | what | name |"
        yield "| --- | --- | --- |"
        yield from (_row(action) for action in ACTIONS if action.scope == scope)


def _row(action: Action) -> str:
    keys = " ".join(f"`{key_name(key)}`" for key in action.keys)
    return f"| {keys} | **{action.title.rstrip('…')}**: {action.help} | `{action.binding_id}` |"


def page() -> str:
    """The whole page."""
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
