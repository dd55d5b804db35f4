"""The user's ComfyUI graphs as models: the folder they lie in, and what each asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.answers import mapping
from mediatui.providers.base import Field, FieldKind, FormSchema, ModelInfo
from mediatui.providers.comfy_graph import Template, find_templates, form_of, read_template
from mediatui.providers.comfy_wire import SERVICE, ComfyWire, segment
from mediatui.text import one_line

_PROVIDER = SERVICE.name


class Workflows:
    """One folder of graphs in API format; None when none is configured."""

    def __init__(self, folder: Path | None, wire: ComfyWire) -> None:
        self._folder, self._wire = folder, wire

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """The graphs in the folder; one that cannot be used is listed with the reason."""
        found = await asyncio.to_thread(lambda: [_info(n, p) for n, p in self._all().items()])
        words = query.lower().split()
        return [m for m in found if all(w in f"{m.id} {m.category}".lower() for w in words)][:limit]

    async def schema(self, model: str) -> FormSchema | None:
        """The graph's placeholders; the values of a choice without values come from the server."""
        template = await self.template(model)
        form = form_of(model, template)
        return replace(form, fields=tuple([await self._with_choices(f, template) for f in form.fields]))

    async def _with_choices(self, field: Field, template: Template) -> Field:
        if field.kind is not FieldKind.CHOICE or field.choices:
            return field
        place = next(p for p in template.placeholders if p.name == field.name)
        kind = str(mapping(template.graph.get(place.node)).get("class_type"))
        try:
            document = await self._wire.read(f"object_info/{segment(kind)}", "reading a node's inputs")
        except ProviderError as exc:
            if exc.kind.stops_batch:
                raise
            return replace(field, kind=FieldKind.TEXT)  # the server checks the value all the same
        asked = mapping(mapping(document.get(kind)).get("input"))
        for group in ("required", "optional"):
            choices = _choices(mapping(asked.get(group)).get(place.input))
            if choices:
                return replace(field, choices=choices)
        return replace(field, kind=FieldKind.TEXT)

    def _all(self) -> dict[str, Path]:
        if self._folder is None or not self._folder.is_dir():
            raise ProviderError(
                ErrorKind.UNSUPPORTED,
                "there is no folder of ComfyUI workflows",
                hint="Set providers.comfyui.workflows to a folder with graphs exported in API format.",
            )
        return find_templates(self._folder)

    async def template(self, model: str) -> Template:
        """The graph of that name. Raises `ProviderError` of kind NOT_FOUND."""
        path = (await asyncio.to_thread(self._all)).get(model.strip("/ "))
        if path is None:
            raise ProviderError(
                ErrorKind.NOT_FOUND,
                f"there is no workflow named {one_line(model, 100)}",
                hint="`mediatui models` lists those in the folder of providers.comfyui.workflows.",
            )
        return await asyncio.to_thread(read_template, path)


def _info(name: str, path: Path) -> ModelInfo:
    try:
        template = read_template(path)
    except ProviderError as exc:
        return ModelInfo(name, name, "", _PROVIDER, exc.message)
    asks = ", ".join(p.name for p in template.placeholders) or "no placeholders"
    return ModelInfo(name, name, template.category, _PROVIDER, f"Asks for: {asks}.")


def _choices(spec: object) -> tuple[Any, ...]:
    """The values of a combo input: ``[[values], {}]``, or ``["COMBO", {"options": [values]}]`` in newer servers."""
    if not isinstance(spec, list) or not spec:
        return ()
    values = spec[0]
    if values == "COMBO" and len(spec) > 1:
        values = mapping(spec[1]).get("options")
    return tuple(v for v in values if isinstance(v, (str, int, float))) if isinstance(values, list) else ()
