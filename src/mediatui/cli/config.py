"""``mediatui config``: the settings in force, whether the file is understood, and editing it. Never a key."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any, TextIO

from mediatui.errors import ExitCode, MediatuiError, UsageError
from mediatui.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.settings import ProviderSettings, Settings

HIDDEN_OPTIONS = ("token_command", "headers", "extra")
"""Options that may hold a secret: only that they are set is shown."""


def configure(parser: CommandParser) -> None:
    """Add the actions of ``config``; without one it shows."""
    parser.set_defaults(run=run_show)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    for name, run, about in (
        ("show", run_show, "every setting and its value, without keys (the default)"),
        ("check", run_check, "see whether the file is understood and private"),
        ("path", run_path, "where the file is"),
        ("edit", run_edit, "open it in $EDITOR; made with every setting explained when there is none"),
        ("template", run_template, "print the file that `edit` would make"),
    ):
        actions.add_parser(name, help=about).set_defaults(run=run)
    parser.examples("mediatui config", "mediatui config edit", "mediatui config template > config.toml")


def run_show(context: Context) -> int:
    """Show every setting."""
    from mediatui.config_text import toml_value
    from mediatui.settings import settings_table

    settings, file = context.settings, context.locations.config_file
    values = {row.name: getattr(settings, row.attribute) for row in settings_table()}
    providers = {name: _provider(provider) for name, provider in settings.providers.items() if _is_shown(provider)}
    context.output.emit({"path": str(file), "exists": file.exists(), "settings": values, "providers": providers})
    context.output.line(f"# {file}{'' if file.exists() else ' (not there)'}")
    defaults = {row.name: row.default for row in settings_table()}
    for name, value in values.items():
        mark = "" if value == defaults[name] else "   # changed"
        context.output.line(f"{name} = {toml_value(value)}{mark}")
    for name, facts in providers.items():
        for line in _lines(name, facts):
            context.output.line(line)
    return ExitCode.DONE


def run_check(context: Context) -> int:
    """Read the file as every command does."""
    from mediatui.config_file import read_config

    settings = context.settings
    file = read_config(context.locations.config_file)
    problems, exists = list(_problems_of_interface(settings)), file.mode is not None
    document = {"path": str(file.path), "exists": exists, "private": file.private, "understood": not problems}
    context.output.emit({**document, "active": settings.active_provider, "problems": problems})
    found = f"{plural(len(problems), 'problem')}" if problems else "understood"
    context.output.line(f"{file.path}: {found if exists else 'not there, every default holds'}")
    for problem in problems:
        context.output.note(f"mediatui: {problem}")
    if not file.private:
        context.output.note(f"  Others can read it. It holds no key; `chmod 600 {file.path}` before it does.")
    return ExitCode.USAGE if problems else ExitCode.DONE


def _problems_of_interface(settings: Settings) -> Iterator[str]:
    """What the interface alone would say: of a theme, without which it does not open, of keys and of programs."""
    from mediatui.tui.theme import check_theme

    try:
        check_theme(settings.theme)
    except UsageError as error:
        yield f"{error.message}. {error.hint}"
    if settings.keys:
        from mediatui.tui.own_keys import read_keymap

        yield from read_keymap(settings.keys).problems
    if settings.openers:
        from mediatui.tui.terminal.openers import read_openers

        try:
            read_openers(settings.openers)
        except UsageError as error:
            yield error.message


def run_path(context: Context) -> int:
    """Print where the file is."""
    context.output.emit({"path": str(context.locations.config_file)})
    context.output.line(str(context.locations.config_file))
    return ExitCode.DONE


def run_template(context: Context) -> int:
    """Print the commented file."""
    from mediatui.config_text import template

    text = template()
    context.output.emit({"template": text})
    context.output.line(text.rstrip("\n"))
    return ExitCode.DONE


def run_edit(context: Context) -> int:
    """Open the file in the person's editor, then read it."""
    from mediatui.config_file import load_settings
    from mediatui.config_text import create_private, template

    path = context.locations.config_file
    command = _editor(str(path))
    if create_private(path, template()):
        context.output.note(f"made {path} (mode 0600)")
    _edit(command, str(path), context.output.stdout)
    load_settings(path)
    context.output.emit({"path": str(path), "understood": True})
    context.output.line(f"{path}: understood")
    return ExitCode.DONE


def _editor(path: str) -> list[str]:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor and not sys.stdin.isatty():
        raise UsageError("there is no terminal to edit in", hint=f"Set EDITOR, or edit {path} yourself.")
    try:
        return shlex.split(editor or "vi")
    except ValueError as error:
        raise UsageError(f"the editor {editor!r} is no command: {error}", hint="Set EDITOR to another.") from None


def _edit(command: list[str], path: str, screen: TextIO) -> None:
    try:
        code = subprocess.run([*command, path], check=False, stdout=screen).returncode
    except OSError as error:
        raise UsageError(
            f"the editor {command[0]!r} does not start: {error.strerror}", hint="Set EDITOR to another."
        ) from None
    if code != 0:
        raise MediatuiError(f"the editor {command[0]!r} ended with code {code}")


def _is_shown(provider: ProviderSettings) -> bool:
    return provider.in_file or provider.configured


def _provider(provider: ProviderSettings) -> dict[str, Any]:
    return {
        "kind": provider.kind_name,
        "key_from": _key_from(provider),
        "configured": provider.configured,
        "media_hosts": list(provider.media_hosts),
        "options": dict(_options(provider.options)),
    }


def _key_from(provider: ProviderSettings) -> str | None:
    if provider.key:
        return f"{provider.key_source.value} {provider.key_place}".strip()
    if provider.key_command:
        return "key_command"
    return "keyring" if provider.keyring else None


def _options(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    from mediatui.redact import redact

    for name, value in options.items():
        plain = isinstance(value, bool | int | float)
        hidden = name in HIDDEN_OPTIONS or not isinstance(value, bool | int | float | str | list)
        yield name, "(set)" if hidden else value if plain else redact(str(value))


def _lines(name: str, facts: Mapping[str, Any]) -> Iterator[str]:
    from mediatui.config_text import toml_value

    yield f"[providers.{name}]"
    yield f"# key: {facts['key_from'] or 'none'}"
    if facts["kind"] != name:
        yield f"kind = {toml_value(facts['kind'])}"
    if facts["media_hosts"]:
        yield f"media_hosts = {toml_value(facts['media_hosts'])}"
    for option, value in facts["options"].items():
        yield f"{option} = {toml_value(value)}"
