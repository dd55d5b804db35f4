"""The entry point: the table of commands, and the terminal interface when none is named."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mediatui import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser

COMMANDS = (
    ("generate", "generate:configure", "make media with one or more models"),
    ("jobs", "jobs:configure", "list, follow, cancel or re-check jobs"),
    ("list", "items:configure_list", "list media items"),
    ("show", "items:configure_show", "everything known of one item"),
    ("save", "saving:configure_save", "bring items to disk"),
    ("retry", "saving:configure_retry", "save again what could not be saved"),
    ("export", "export:configure", "write a project to a ZIP file"),
    ("import", "importing:configure", "bring a ZIP file or a folder in as a project"),
    ("tag", "annotating:configure_tag", "add and remove tags"),
    ("rate", "annotating:configure_rate", "give stars, mark favourites"),
    ("note", "annotating:configure_note", "write notes about items"),
    ("rename", "annotating:configure_rename", "give an item another name"),
    ("move", "moving:configure_move", "move items to another project"),
    ("copy", "moving:configure_copy", "copy items to a project"),
    ("trash", "trashing:configure", "move items to the trash, bring them back, empty it"),
    ("clean", "tidying:configure_clean", "plan a clean-up, and carry it out"),
    ("adopt", "adopting:configure", "make items of files that no item names"),
    ("duplicates", "tidying:configure_duplicates", "list items with equal bytes"),
    ("usage", "tidying:configure_usage", "disk usage per project, model, month and type"),
    ("templates", "templates:configure", "prompts with gaps to fill in"),
    ("projects", "projects:configure", "list, make, rename, delete or restore projects"),
    ("models", "models:configure", "list the models of the provider"),
    ("sandbox", "sandbox:configure", "run the built-in test service"),
    ("auth", "auth:configure", "see which providers take their keys; set a key"),
    ("config", "config:configure", "show, check or edit the settings"),
    ("keys", "keymap:configure", "the keys of the interface, and your own"),
    ("completion", "completion:configure", "let bash, zsh or fish complete commands"),
    ("serve", "serve:configure", "the interface in a browser on this machine"),
    ("logs", "logs:configure", "what happened to an item or a job, step by step"),
    ("check", "check:configure", "compare what is recorded with what is on disk"),
    ("repair", "repair:configure", "show how to put a project right, and do it; never deletes"),
    ("selftest", "selftest:configure", "crash and fault checks on this very disk"),
    ("doctor", "doctor:configure", "what this installation looks like, and what is wrong with it"),
    ("path", "paths:configure", "where things lie on disk"),
)
"""Name, ``module:function`` that adds the command's options, one line of help."""

INTERRUPTED = 130
"""The exit code, as in `errors.ExitCode`, which is not imported yet when it is needed here."""

DESCRIPTION = "Make video, images and audio with paid AI models, and never lose one."
EPILOG = """\
Without a command the terminal interface opens.

examples:
  mediatui                                                 the terminal interface
  mediatui generate "a lighthouse at dusk" -p demo -m sandbox/text-to-video
  mediatui list -p demo                                    what there is, saved or not
  mediatui retry --all                                     save whatever could not be saved
  mediatui export demo -o demo.zip                         the project as one file
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and set(arguments) <= {"--version", "--json"} and "--version" in arguments:
        return _tell_version(json="--json" in arguments)
    try:
        from mediatui.cli.fence import run_fenced
    except KeyboardInterrupt:  # before there is a fence: nothing was begun
        return INTERRUPTED

    try:
        return run_fenced(arguments, build_parser, _run if argv is not None else _run_alone)
    finally:
        if argv is None:
            _end_by_signals()


def _end_by_signals() -> None:
    """All is done: a signal from now on ends the process, and finds no interpreter half torn down to speak in."""
    import signal

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _tell_version(*, json: bool) -> int:
    """Print the version without the parser, which takes longer."""
    try:
        print(f'{{"version": "{__version__}"}}' if json else f"mediatui {__version__}", flush=True)
    except OSError as error:
        from mediatui.cli.fence import stdout_failed

        return stdout_failed(error)
    return 0


def build_parser() -> CommandParser:
    """The whole command line; a command's own options are added only when it is the one that runs."""
    from mediatui.cli.interface import add_interface_options
    from mediatui.cli.options import CommandParser, add_global_options, exit_code_help

    parser = CommandParser(
        prog="mediatui", description=DESCRIPTION, epilog=f"{EPILOG}\n{exit_code_help()}", shared=False
    )
    parser.add_argument("--version", action="version", version=f"mediatui {__version__}")
    add_global_options(parser, defaults=True)
    add_interface_options(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, target, summary in COMMANDS:
        commands.add_parser(name, help=summary, description=summary, target=target)
    return parser


def _run_alone(context: Context) -> int:
    """Run what the process is for: then its stdout is the command's. The interface draws on it itself."""
    if context.args.command is not None:
        context.output.keep_stdout()
    return _run(context)


def _run(context: Context) -> int:
    command = getattr(context.args, "run", None)
    if command is not None:
        return int(command(context))
    from mediatui.cli.interface import open_interface

    return open_interface(context)
