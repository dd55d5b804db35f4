"""``mediatui keys``: every action of the interface with its keys, and whether one's own keys are understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediatui.cli.arguments import named
from mediatui.errors import ExitCode

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser


def configure(parser: CommandParser) -> None:
    """Add the options of ``keys``."""
    parser.set_defaults(run=run)
    parser.add_argument(
        "words",
        type=named,
        metavar="WORD",
        nargs="*",
        default=[],
        help="only actions with these words in title, help or name, or with this key",
    )
    parser.add_argument("--changed", action="store_true", help="only actions whose keys you changed")
    parser.examples("mediatui keys", "mediatui keys trash", "mediatui keys --json")


def run(context: Context) -> int:
    """List actions and keys; exit code 2 when some of the person's own keys cannot be used."""
    from mediatui.tui.actions import ACTIONS
    from mediatui.tui.own_keys import read_keymap
    from mediatui.tui.screens.help import matches

    keymap = read_keymap(context.settings.keys)
    words = " ".join(context.args.words)
    found = [action for action in ACTIONS if matches(action, words, keymap) or (words and words in action.binding_id)]
    if context.args.changed:
        found = [action for action in found if action.binding_id in keymap.own]
    documents = [
        {
            "action": action.binding_id,
            "scope": action.scope,
            "keys": list(keymap.keys(action)),
            "default": list(action.keys),
            "changed": action.binding_id in keymap.own,
            "title": action.title.rstrip("…"),
            "help": action.help,
        }
        for action in found
    ]
    context.output.emit({"actions": documents, "problems": list(keymap.problems)})
    rows = [
        (keymap.names(a) + (" *" if a.binding_id in keymap.own else ""), a.binding_id, a.title.rstrip("…"), a.help)
        for a in found
    ]
    context.output.table(("KEYS", "ACTION", "TITLE", "HELP"), rows, "no action matches")
    for problem in keymap.problems:
        context.output.note(f"mediatui: {problem}")
    return ExitCode.USAGE if keymap.problems else ExitCode.DONE
