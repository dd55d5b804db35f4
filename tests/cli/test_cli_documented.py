"""Every command and option is explained in docs/command-line.md, and what a key changes a command changes as well."""

from __future__ import annotations

import argparse
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediatui.cli.main import COMMANDS, build_parser
from mediatui.cli.options import EXIT_CODES, CommandParser
from mediatui.config_file import load_settings
from mediatui.provider_kinds import KINDS, ProviderKind
from mediatui.settings import Settings, settings_table
from mediatui.tui.action import GO, LOOK, MARK, MOVE
from mediatui.tui.actions import in_scope

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "command-line.md").read_text("utf-8")
SHARED = {"--help", "--json", "--sandbox", "--data-dir", "--config"}

BY_COMMAND = {
    "new": "generate",
    "jobs": "jobs",
    "save": "save",
    "retry": "retry",
    "retry-all": "retry --all",
    "save-to-disk": "save --all",
    "export": "export",
    "import": "import",
    "tag": "tag",
    "rate": "rate --stars",
    "rate-up": "rate --stars",
    "rate-down": "rate --stars",
    "favourite": "rate --favourite",
    "note": "note --text",
    "rename": "rename",
    "move": "move --to",
    "copy-to": "copy --to",
    "trash": "trash",
    "trash-bin": "trash --list --restore --erase --empty",
    "undo": "trash --restore",
    "clean-old": "clean",
    "usage": "usage",
    "new-project": "projects new",
    "rename-project": "projects rename",
    "delete-project": "projects delete",
    "policy": "projects policy",
    "details": "show",
    "filter": "list --filter",
    "log": "logs --item --job",
    "refresh": "check",
    "help": "keys",
}
"""Keys of the library, and the words of the command that does the same."""

ONLY_IN_THE_INTERFACE = {
    "again": "fills a form; `generate` is given what it needs",
    "vary": "fills a form",
    "as-input": "fills a form; `generate --image`",
    "regenerate": "`generate` with what `show --json` says; paying twice needs a person's eyes",
    "redo": "a process has no history; each command's way back is in the page",
}


def parsers() -> dict[str, CommandParser]:
    """The parser of each command."""
    actions = build_parser()._actions
    found = next(action for action in actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


def sections() -> dict[str, str]:
    """What the page says of each command."""
    parts = re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)[1:]
    found = {}
    for part in parts:
        heading, _, text = part.partition("\n")
        found.update(dict.fromkeys(heading.split(", "), text))
    return found


def spelled(parser: CommandParser) -> Iterator[tuple[str, ...]]:
    """Each option and action of a command, in all its spellings."""
    parser.complete()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action._choices_actions:  # those that the help lists
                yield (each.dest,)
                yield from spelled(action.choices[each.dest])
        elif action.option_strings and not SHARED & set(action.option_strings):
            yield tuple(action.option_strings)


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_the_page_explains_every_command_with_all_its_options(name: str) -> None:
    text = sections()[name]
    assert re.search(rf"mediatui {name}\b", text), "how it is called"
    for spellings in spelled(parsers()[name]):
        for one in spellings:
            everywhere = PAGE if one in ("--project", "--model") else text  # short everywhere, spelled out once
            assert re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", everywhere), one


def test_the_page_explains_nothing_that_is_not_there() -> None:
    known = {name for name, _, _ in COMMANDS}
    called = set(re.findall(r"^ {4}(?:\w+=\$\()?mediatui ([a-z]+)", PAGE, flags=re.MULTILINE))
    assert called <= known
    for name, text in sections().items():
        if name in known:
            options = {one for spellings in spelled(parsers()[name]) for one in spellings} | SHARED
            lines = re.findall(rf"^ {{4}}mediatui {name}\b.*$", text, flags=re.MULTILINE)
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join(lines)):
                assert option in options, (name, option)


def test_the_options_of_the_interface_are_explained() -> None:
    text = sections()["Options of every command"]
    for action in build_parser()._actions:
        for option in action.option_strings:
            assert option in text or option == "-h", option


def test_the_help_and_the_page_name_the_same_exit_codes() -> None:
    told = dict(re.findall(r"^\| (\d+) \| (.*) \|$", sections()["Exit codes"], flags=re.MULTILINE))
    assert {int(code) for code in told} == {int(code) for code, _ in EXIT_CODES}


def test_the_settings_on_the_page_are_understood_and_all_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MEDIATUI") or name.endswith("_KEY")]:
        monkeypatch.delenv(name)
    defaults = Settings()
    text = "\n".join(re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    settings, given = load_settings(path), tomllib.loads(text)
    examples = {"keys", "open", "jobs.concurrency"}
    for row in settings_table():
        table = given.get(row.table, {}) if row.table else given
        assert row.key in table, row.name
        if row.name not in examples:
            assert getattr(settings, row.attribute) == getattr(defaults, row.attribute), row.name


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_a_provider_may_be_told_is_explained_and_the_examples_are_understood(
    tmp_path: Path, kind: ProviderKind
) -> None:
    page = (DOCS / "providers.md").read_text("utf-8")
    (section,) = (part for part in re.split(r"^## ", page, flags=re.MULTILINE) if f"[providers.{kind.name}]" in part)
    for option in kind.options:
        assert re.search(rf"`{option}`|^{option} =", section, flags=re.MULTILINE), option
    path = tmp_path / "config.toml"
    path.write_text("\n".join(re.findall(r"^```toml\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)), "utf-8")
    path.chmod(0o600)
    assert load_settings(path).providers[kind.name].in_file


def test_every_variable_with_a_key_is_on_the_page() -> None:
    text = sections()["Environment"]
    for kind in KINDS.values():
        for variable in "+".join(kind.key_variables).split("+"):
            assert f"`{variable}`" in text, variable


def test_every_key_that_changes_something_has_a_command() -> None:
    changing = {action.id for action in in_scope("library") if action.group not in (GO, LOOK, MARK, MOVE)}
    assert changing <= BY_COMMAND.keys() | ONLY_IN_THE_INTERFACE.keys()
    actions = {action.id for action in (*in_scope("library"), *in_scope("app"))}
    assert BY_COMMAND.keys() | ONLY_IN_THE_INTERFACE.keys() <= actions
    for words in BY_COMMAND.values():
        command, *more = words.split()
        assert set(more) <= {one for spellings in spelled(parsers()[command]) for one in spellings}, words
