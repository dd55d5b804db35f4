"""``mediatui templates``: prompts with gaps to fill in."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import named, written
from mediatui.cli.stdin import read_stdin
from mediatui.errors import ExitCode, UsageError
from mediatui.text import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.studio.templates import Template, Templates


def configure(parser: CommandParser) -> None:
    """Add the actions of ``templates``; without one it lists."""
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    _action(actions, "list", run_list, "all templates (the default)")
    save = _action(actions, "save", run_save, "keep a prompt with {{gaps}} or {{gaps:with a default}}")
    save.add_argument("name", type=named, metavar="NAME")
    save.add_argument("text", type=named, metavar="TEXT", help="- reads it from stdin")
    save.add_argument("-m", "--model", type=named, metavar="MODEL", help="the model it is written for")
    save.add_argument("--replace", action="store_true", help="replace one of that name")
    fill = _action(actions, "fill", run_fill, "print the prompt with its gaps filled")
    fill.add_argument("name", type=named, metavar="NAME")
    fill.add_argument("values", type=written, nargs="*", default=[], metavar="GAP=TEXT")
    delete = _action(actions, "delete", run_delete, "remove a template")
    delete.add_argument("name", type=named, metavar="NAME")
    parser.examples(
        "mediatui templates save portrait 'a portrait of {{subject}}, {{light:soft light}}'",
        "mediatui generate \"$(mediatui templates fill portrait subject='an otter')\" -m sandbox/text-to-image",
    )


def run_list(context: Context) -> int:
    """List templates."""
    templates = _templates(context)
    found = templates.all()
    context.output.emit({"templates": [_document(template) for template in found]})
    rows = [(t.name, ", ".join(gap.name for gap in t.placeholders), t.model, one_line(t.text, 200)) for t in found]
    context.output.table(("NAME", "GAPS", "MODEL", "TEXT"), rows, "no templates yet")
    for path in templates.broken():
        context.output.note(f"{path} is no template")
    return ExitCode.DONE


def run_save(context: Context) -> int:
    """Keep a template."""
    args = context.args
    text = read_stdin("the template") if args.text == "-" else args.text
    return _show(context, _templates(context).save(args.name, text, args.model or "", replace=args.replace), "kept")


def run_delete(context: Context) -> int:
    """Remove a template."""
    return _show(context, _templates(context).delete(context.args.name), "removed")


def run_fill(context: Context) -> int:
    """Print a filled template."""
    template = _templates(context).get(context.args.name)
    prompt = template.fill(_values(template, context.args.values))
    context.output.emit({"prompt": prompt})
    context.output.line(prompt)
    return ExitCode.DONE


def _values(template: Template, pairs: Sequence[str]) -> dict[str, str]:
    """The text for each gap. Raises `UsageError` for one that would be lost: it would make another prompt."""
    values: dict[str, str] = {}
    gaps = [gap.name for gap in template.placeholders]
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"“{pair}” is not GAP=TEXT")
        if name in values:
            raise UsageError(f"{name}= is given twice", hint="Give one of the two.")
        if name not in gaps:
            has = f"It has {', '.join(gaps)}." if gaps else "It has none."
            raise UsageError(f"the template “{template.name}” has no gap “{name}”", hint=has)
        values[name] = value
    return values


def _templates(context: Context) -> Templates:
    from mediatui.studio.templates import FOLDER, Templates

    return Templates(context.locations.config_file.parent / FOLDER)


def _show(context: Context, template: Template, done: str) -> int:
    context.output.emit({"template": _document(template)})
    context.output.line(f"{template.name} {done}")
    return ExitCode.DONE


def _document(template: Template) -> dict[str, Any]:
    return {**asdict(template), "placeholders": [asdict(gap) for gap in template.placeholders]}


def _action(actions: argparse._SubParsersAction[CommandParser], name: str, run: object, help: str) -> CommandParser:
    parser = actions.add_parser(name, help=help)
    parser.set_defaults(run=run)
    return parser
