"""``mediatui auth``: which providers can be used and why not, and giving one its key. No key is ever shown."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import named
from mediatui.cli.stdin import read_stdin
from mediatui.errors import ExitCode, UsageError
from mediatui.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.config_file import ConfigFile
    from mediatui.keys import Secret
    from mediatui.settings import Settings
    from mediatui.studio.access import Access


def configure(parser: CommandParser) -> None:
    """Add the actions of ``auth``."""
    parser.set_defaults(run=run_check, providers=[])
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    check = actions.add_parser("check", help="see whether each provider takes its key (the default)")
    check.add_argument(
        "providers", type=named, metavar="PROVIDER", nargs="*", default=[],
        help="only these, also when they are not set up",
    )  # fmt: skip
    check.set_defaults(run=run_check)
    setting = actions.add_parser("set", help="keep a provider's key; it is read without echo, or from stdin")
    setting.add_argument("provider", type=named, metavar="PROVIDER", help="fal, replicate, piapi, openai, google …")
    setting.add_argument("--keyring", action="store_true", help="in the system's keyring instead of the private file")
    setting.set_defaults(run=run_set)
    parser.examples(
        "mediatui auth check",
        "mediatui auth set fal",
        "pass show replicate | mediatui auth set replicate --keyring",
    )


def run_check(context: Context) -> int:
    """Check providers; 0 when each can be used, 4 for a key that is missing or refused, 1 when one did not answer."""
    from mediatui.config_file import read_config
    from mediatui.provider_kinds import SANDBOX
    from mediatui.studio.access import Access, AccessState, check_access

    settings, names = context.settings, [name for name in context.args.providers if name != SANDBOX]
    for name in names:
        _refuse_unknown(settings, name)
    asked = bool(names) or not context.args.providers
    found = check_access(settings, names) if asked else []
    if SANDBOX in context.args.providers:
        found.append(Access(SANDBOX, SANDBOX, AccessState.USABLE, message="built in; needs no key"))
    file = read_config(context.locations.config_file)
    context.output.emit(_document(settings, file, found))
    _print(context, settings, file, found)
    return _exit_code(found, named=bool(context.args.providers))


def run_set(context: Context) -> int:
    """Keep a key in the configuration file, which becomes private, or in the keyring."""
    from mediatui.config_file import read_config, settings_from
    from mediatui.config_text import store_key, store_option
    from mediatui.keys import write_keyring

    name, path = context.args.provider, context.locations.config_file
    file = read_config(path)
    _refuse_unknown(settings_from(file), name)
    key = _read_key(name)
    if context.args.keyring:
        write_keyring(name, key)
        store_option(path, name, "keyring", True)
        where = "the system's keyring"
    else:
        store_key(path, name, key)
        where = f"{path} (mode 0600)"
    context.output.emit({"provider": name, "stored": "keyring" if context.args.keyring else str(path)})
    context.output.line(f"the key of {name} is in {where}; `mediatui auth check {name}` tries it")
    _tell_what_wins(context, name, keyring=context.args.keyring)
    return ExitCode.DONE


def _tell_what_wins(context: Context, name: str, *, keyring: bool) -> None:
    """Say when another place that holds a key is asked first."""
    from mediatui.config_file import read_config, settings_from
    from mediatui.keys import KeySource

    provider = settings_from(read_config(context.locations.config_file)).providers[name]
    if provider.key and provider.key_source is KeySource.ENVIRONMENT:
        context.output.note(f"  {provider.key_place} in the environment wins over it.")
    elif keyring and (provider.key or provider.key_command):
        context.output.note(f"  The key or key_command in {context.locations.config_file} wins over it: remove that.")


def _read_key(name: str) -> Secret:
    from mediatui.keys import Secret

    if sys.stdin.isatty():
        from getpass import getpass

        text = getpass(f"key of {name}: ", stream=sys.stderr)
    else:
        text = read_stdin("the key", 100_000)
    text = text.strip()
    if not text:
        raise UsageError("no key was given; nothing was changed")
    if not (text.isascii() and text.isprintable()):
        raise UsageError("that is no key: it holds line breaks or other characters that no key has")
    return Secret(text)


def _refuse_unknown(settings: Settings, name: str) -> None:
    if name in settings.providers:
        return
    near = difflib.get_close_matches(name, list(settings.providers), 1)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(settings.providers)}."
    raise UsageError(f"there is no provider named {one_line(name, 60)!r}", hint=hint)


def _document(settings: Settings, file: ConfigFile, found: Sequence[Access]) -> dict[str, Any]:
    return {
        "active": settings.active_provider,
        "config": {"path": str(file.path), "exists": file.mode is not None, "private": file.private},
        "providers": [
            {
                "name": each.name,
                "kind": each.kind,
                "state": each.state.value,
                "usable": each.state == "usable",
                "key_from": each.source.value if each.source else None,
                "variable": each.place or None,
                "message": each.message,
                "hint": each.hint,
            }
            for each in found
        ],
    }


def _print(context: Context, settings: Settings, file: ConfigFile, found: Sequence[Access]) -> None:
    output = context.output
    rows = [(each.name, each.state.value, _key_from(each), each.message) for each in found]
    if rows:
        output.table(("PROVIDER", "STATE", "KEY FROM", "WHY"), rows)
    private = "private" if file.private else "can be read by others; it holds no key"
    output.line(f"config file {file.path}: {private if file.mode is not None else 'not there'}")
    output.line(f"requests go to {settings.active_provider}")
    for hint in dict.fromkeys(each.hint for each in found if each.hint):
        output.note(f"  {hint}")


def _key_from(access: Access) -> str:
    if access.source is None:
        return "—"
    return f"{access.source.value} {access.place}".strip()


def _exit_code(found: Sequence[Access], *, named: bool) -> ExitCode:
    from mediatui.studio.access import AccessState

    states = {each.state for each in found} - {AccessState.NOT_SET_UP}
    if states & {AccessState.NO_KEY, AccessState.REFUSED} or (not states and not named):
        return ExitCode.KEY_OR_BALANCE
    if AccessState.WRONG_SETTINGS in states:
        return ExitCode.USAGE
    return ExitCode.FAILED if AccessState.UNREACHABLE in states else ExitCode.DONE
