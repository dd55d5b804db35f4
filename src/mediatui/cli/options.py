"""Options every command takes, and a parser that reports mistakes as `UsageError`."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from mediatui.cli.arguments import named, place
from mediatui.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_CODES = (
    (ExitCode.DONE, "done"),
    (ExitCode.FAILED, "failed"),
    (ExitCode.USAGE, "the command, an option or a setting makes no sense; nothing was done"),
    (ExitCode.UNSAVED, "done, but something remains unsaved or missing (`mediatui retry --all`)"),
    (ExitCode.KEY_OR_BALANCE, "there is no key, the provider refused it, or the balance is exhausted"),
    (ExitCode.INTERRUPTED, "interrupted; jobs go on at the provider (`mediatui jobs resume`)"),
    (141, "the reader of stdout went away (`mediatui list | head`)"),
)
"""What each exit code means, for people."""


NEAR = 0.7
"""How alike a command must be to be offered for one that is not there; at 0.66 “bogus” would mean “logs”."""


class CommandParser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting and adds a command's options when they are needed.

    `target` names the ``module:function`` in this package that adds them; `shared` adds the options
    every command takes; `intermixed` lets positional arguments and options come in any order.
    """

    def __init__(
        self,
        *args: Any,
        target: str = "",
        shared: bool = True,
        intermixed: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        kwargs["allow_abbrev"] = False
        # A command's parser is made for every start, and used in few: all its options can wait.
        kwargs.setdefault("add_help", not target)
        super().__init__(*args, **kwargs)
        self._target = target
        self.intermixed = intermixed
        if shared and not target:
            add_global_options(self, defaults=False)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; the first time, the command's module adds its options."""
        self.complete()
        if self.intermixed:
            self.intermixed = False  # the intermixed parser calls this method for its two passes
            try:
                return self.parse_known_intermixed_args(args, namespace)
            finally:
                self.intermixed = True
        return super().parse_known_args(args, namespace)

    def complete(self) -> None:
        """Let the command's module add its options, once."""
        target, self._target = self._target, ""
        if target:
            self.add_argument("-h", "--help", action="help", help="show this help message and exit")
            add_global_options(self, defaults=False)
            module, _, function = target.partition(":")
            getattr(importlib.import_module(f"mediatui.cli.{module}"), function)(self)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse everything. Raises `UsageError`, pointing to the command's own help for what it does not know."""
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            self._chosen(found)._refuse(rest)
        return found

    def _refuse(self, words: Sequence[str]) -> NoReturn:
        parser, word = self, words[0].partition("=")[0]
        near = difflib.get_close_matches(word, parser._option_string_actions, 1, NEAR) if word.startswith("--") else []
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"unrecognized arguments: {' '.join(words)}", hint=f"{hint}`{parser.prog} --help` explains it."
        )

    def _chosen(self, found: argparse.Namespace) -> CommandParser:
        """The parser of the command, or of its action, that was named last."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                named: CommandParser | None = action.choices.get(str(getattr(found, action.dest, "")))
                return named._chosen(found) if named is not None else self
        return self

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # argparse would name all the commands there are, also one that is not for people.
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            offered = [choice.dest for choice in action._choices_actions]
            begun = [name for name in offered if len(str(value)) > 1 and name.startswith(str(value))]
            near = begun if len(begun) == 1 else difflib.get_close_matches(str(value), offered, 1, NEAR)
            hint = f"Did you mean `{self.prog} {near[0]}`?" if near else f"`{self.prog} --help` lists them."
            raise UsageError(f"there is no {str(action.metavar).lower()} {value!r}", hint=hint)
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`, pointing to the help of this command."""
        raise UsageError(message, hint=f"`{self.prog} --help` explains it.")

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse hides that nobody could read the help.
        from mediatui.cli.output import no_output

        try:
            (file or sys.stdout).write(message)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise no_output(error) from None

    def examples(self, *lines: str) -> None:
        """Show command lines at the end of the help."""
        self.epilog = "examples:\n" + "\n".join(f"  {line}" for line in lines)


def add_global_options(parser: argparse.ArgumentParser, *, defaults: bool) -> None:
    """Add the options that may stand before or after the command.

    Only the outermost parser gives them defaults, so that a command's parser does not undo what came first.
    """
    absent: Any = None if defaults else argparse.SUPPRESS
    off: Any = False if defaults else argparse.SUPPRESS
    group = parser.add_argument_group("options of every command")
    group.add_argument("--json", action="store_true", default=off, help="print one JSON document on stdout")
    group.add_argument(
        "--sandbox", action="store_true", default=off, help="use the built-in test service, even with a key"
    )
    group.add_argument("--data-dir", type=place, metavar="DIR", default=absent, help="where projects are kept")
    group.add_argument("--config", type=place, metavar="FILE", default=absent, help="the configuration file to use")


def add_project_option(parser: argparse.ArgumentParser, help: str) -> None:
    """Add ``-p/--project``, by id or name."""
    parser.add_argument("-p", "--project", type=named, metavar="PROJECT", help=help)


def add_allow_host_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-host``: media may come from this host in this run; `Context.studio` heeds it."""
    parser.add_argument(
        "--allow-host", dest="allow_hosts", type=named, metavar="HOST", action="append", default=[],
        help="let media come from this host, this time; may be repeated",
    )  # fmt: skip


def exit_code_help() -> str:
    """The table of exit codes."""
    return "exit codes:\n" + "\n".join(f"  {int(code):<4} {text}" for code, text in EXIT_CODES)


def values(enumeration: Sequence[Any]) -> list[str]:
    """The values of an enumeration, for `choices=`."""
    return [str(member) for member in enumeration]
