"""``mediatui models``: what the provider offers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mediatui.cli.arguments import named
from mediatui.errors import ExitCode

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.providers.base import ModelInfo


def configure(parser: CommandParser) -> None:
    """Add the options of ``models``."""
    parser.set_defaults(run=run)
    parser.intermixed = True
    parser.add_argument("words", type=named, metavar="WORD", nargs="*", default=[], help="words to look for")
    parser.add_argument("--category", type=named, help="only this category, such as text-to-video")
    parser.add_argument("--provider", type=named, metavar="PROVIDER", help="sandbox, or a configured provider")
    parser.examples(
        "mediatui models --sandbox",
        "mediatui models kling --category image-to-video",
        "mediatui models --json | jq -r '.models[].id'",
    )


def run(context: Context) -> int:
    """List models."""
    args = context.args
    if args.provider == "sandbox":
        args.sandbox = True
    with context.studio(looks=True) as studio:
        studio.subscribe(lambda event: _tell(context, event))
        found = studio.models(" ".join(args.words), args.provider).result()
    models = [model for model in found if args.category in (None, model.category)]
    context.output.emit({"models": [_document(model) for model in models]})
    rows = [(model.id, model.category, model.price or "unknown", _name(model)) for model in models]
    context.output.table(("ID", "CATEGORY", "PRICE", "NAME"), rows, "no model matches")
    if found and not models:
        categories = ", ".join(sorted({model.category for model in found if model.category}))
        context.output.note(f"  there are the categories {categories}")
    return ExitCode.DONE


def _tell(context: Context, event: object) -> None:
    """A provider that does not answer is no reason to show nothing of the others."""
    from mediatui.studio.events import Notice

    if isinstance(event, Notice):
        context.output.note(f"mediatui: {event.message}")


def _name(model: ModelInfo) -> str:
    return f"{model.name} (retired)" if model.retired else model.name


def _document(model: ModelInfo) -> dict[str, object]:
    return {
        "id": model.id,
        "name": model.name,
        "category": model.category,
        "provider": model.provider,
        "description": model.description,
        "price": model.price,
        "unit_price": asdict(model.unit_price) if model.unit_price else None,
        "retired": model.retired,
        "makes": model.makes.value if model.makes else None,
    }
