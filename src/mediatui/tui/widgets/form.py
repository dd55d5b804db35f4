"""A form built from models' schemas: one line per field, what is wrong beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Collapsible, Input, Static

from mediatui.providers.base import Field, FieldKind
from mediatui.studio.inline import MAX_INLINE_BYTES
from mediatui.text import human_bytes, one_line
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Actor, Handler, tone
from mediatui.tui.form_values import FormRow, choice_texts, is_common, parse, plain, shown
from mediatui.tui.format import fit, short_model
from mediatui.tui.screens.dialogs import Choice, MenuScreen

_PLACEHOLDERS = {
    FieldKind.LIST: "a, b, c or JSON",
    FieldKind.OBJECT: "JSON",
}


class Cycle(Actor, Widget, can_focus=True):
    """One of a few values: arrows turn, enter shows them all."""

    ALLOW_SELECT = False
    BINDINGS = bindings("choice")

    class Changed(Message):
        """Another value is chosen."""

        def __init__(self, cycle: Cycle) -> None:
            super().__init__()
            self.cycle = cycle

    def __init__(
        self,
        texts: Sequence[str],
        value: str,
        *,
        title: str = "",
        labels: Mapping[str, str] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.texts = list(texts)
        self._title, self._labels = title, labels or {}
        self._at = self.texts.index(value) if value in self.texts else 0

    @property
    def value(self) -> str:
        """The chosen text."""
        return self.texts[self._at] if self.texts else ""

    @value.setter
    def value(self, text: str) -> None:
        if text in self.texts and text != self.value:
            self._at = self.texts.index(text)
            self.refresh()
            self.post_message(self.Changed(self))

    def handlers(self) -> Mapping[str, Handler]:
        """Turn and choose."""
        return {
            "next-choice": lambda: self._turn(1),
            "previous-choice": lambda: self._turn(-1),
            "all-choices": self._all,
        }

    def _turn(self, step: int) -> None:
        if self.texts:
            self.value = self.texts[(self._at + step) % len(self.texts)]

    async def _all(self) -> None:
        keys = "123456789abcdefghimnoprstuvwxyz"
        menu = [Choice(keys[n] if n < len(keys) else "", self.label(t), t) for n, t in enumerate(self.texts)]
        chosen = await self.app.push_screen_wait(MenuScreen(self._title, menu, self.value))
        if chosen is not None:
            self.value = chosen

    def label(self, text: str) -> str:
        """How a value reads."""
        return self._labels.get(text, text or "model's choice")

    def on_click(self, event: events.Click) -> None:
        """Turn on."""
        self._turn(1)

    def render_line(self, y: int) -> Strip:
        """``‹ value ›``."""
        width = self.size.width
        style = tone(self, "cursor" if self.has_focus else "text")
        dim = tone(self, "dim")
        text = fit(self.label(self.value), min(width - 4, len(self.label(self.value)))) if width > 4 else ""
        segments = [Segment("‹ ", dim), Segment(text, style), Segment(" ›", dim)]
        count = f"  {self._at + 1}/{len(self.texts)}" if self.has_focus and len(self.texts) > 1 else ""
        return Strip([*segments, Segment(count, dim)]).adjust_cell_length(width, tone(self, "text"))

    def watch_has_focus(self, has_focus: bool) -> None:
        """Repaint its one line."""
        self.refresh()


class FieldLine(Vertical):
    """A field's label, editor and note, and below it what is wrong."""

    def __init__(self, row: FormRow, text: str, *, several: bool, uploads: bool = True) -> None:
        super().__init__()
        self._uploads = uploads
        self.row = row
        self.given = text
        """What it was last filled with."""
        self._several = several

    def compose(self) -> ComposeResult:
        """Label, editor, note, fault."""
        field = self.row.field
        with Horizontal(classes="field"):
            yield Static(
                Content(f"{field.title or field.name}{' *' if field.required else ''}"),
                classes="field-label",
                markup=False,
            )
            yield self._make_editor(field)
            yield Static(Content(self.note), classes="field-note", markup=False)
        yield Static("", classes="field-fault", markup=False)

    def on_mount(self) -> None:
        """Say what it cannot show."""
        if self.is_unfit:
            self.show_fault(f"{fit(one_line(self.given), 40).rstrip()} is not one of the choices here")

    def _make_editor(self, field: Field) -> Input | Cycle:
        if field.kind is FieldKind.CHOICE or field.kind is FieldKind.BOOLEAN:
            return Cycle(choice_texts(field), self._fitting(self.given), title=field.title or field.name)
        placeholder = shown(field.default) or self._placeholder(field)
        editor = Input(self.given, placeholder=placeholder, compact=True, select_on_focus=False)
        editor.cursor_blink = False
        return editor

    def _fitting(self, text: str) -> str:
        """A choice as it was kept, or the default where it is none of these choices."""
        return text if text in choice_texts(self.row.field) else shown(self.row.field.default)

    def _placeholder(self, field: Field) -> str:
        if field.takes_media:
            files = "files" if field.kind is FieldKind.LIST else "the path of a file"
            return f"https://… or {files}" + ("" if self._uploads else f" up to {human_bytes(MAX_INLINE_BYTES)}")
        return _PLACEHOLDERS.get(field.kind, "model's choice" if not field.required else "")

    @property
    def note(self) -> str:
        """Its limits, what it is for, and which models take it where others do not."""
        field, limits = self.row.field, ""
        if field.minimum is not None and field.maximum is not None:
            limits = f"{plain(field.minimum)}–{plain(field.maximum)}"
        elif field.minimum is not None or field.maximum is not None:
            limits = f"from {plain(field.minimum)}" if field.minimum is not None else f"to {plain(field.maximum)}"
        only = ", ".join(short_model(m) for m in self.row.models) if self._several else ""
        parts = (limits, one_line(field.description, 160))
        return " · ".join(filter(None, (only, *parts) if self.row.disputed else (*parts, only)))

    @property
    def editor(self) -> Input | Cycle:
        """The widget one types into."""
        return self.query_one(Cycle) if self.query(Cycle) else self.query_one(Input)

    @property
    def text(self) -> str:
        """What was typed; what it begins with, until it has its editor."""
        return self.editor.value if self.is_filled else self.given

    @property
    def kept(self) -> str:
        """The same, or a choice that these models do not have and another one may, until one is chosen here."""
        return self.given if self.is_unfit and self.text == shown(self.row.field.default) else self.text

    @property
    def is_unfit(self) -> bool:
        """What it was given is none of its choices."""
        field = self.row.field
        chosen = field.kind in (FieldKind.CHOICE, FieldKind.BOOLEAN)
        return chosen and bool(self.given) and self.given not in choice_texts(field)

    @property
    def is_filled(self) -> bool:
        """It has its editor."""
        return bool(self.query(".field > Input, .field > Cycle"))

    def fill(self, text: str) -> None:
        """Show another text."""
        self.given = text
        if self.is_filled:
            editor = self.editor
            editor.value = self._fitting(text) if isinstance(editor, Cycle) else text

    def take_focus(self, line: FieldLine) -> None:
        """Have the focus in place of another line, at the same letter."""
        editor, other = self.editor, line.editor
        self.screen.set_focus(editor, scroll_visible=False)  # at once: letters may be on their way
        if isinstance(editor, Input) and isinstance(other, Input):
            editor.cursor_position = other.cursor_position

    def show_fault(self, words: str) -> None:
        """Say what is wrong, or nothing."""
        fault = self.query_one(".field-fault", Static)
        fault.update(Content(words))
        fault.display = bool(words)
        self.set_class(bool(words), "-wrong")

    def on_descendant_blur(self) -> None:
        """Check what was typed when leaving the field."""
        try:
            parse(self.row.field, self.text)
        except ValueError as exc:
            self.show_fault(str(exc) if self.text else "")
        else:
            self.show_fault("")


class SchemaForm(Vertical):
    """All fields of the chosen models; uncommon ones folded. Knows what was typed for other models too."""

    def __init__(self, kept: Mapping[str, str]) -> None:
        """`kept`: texts by row key, for the rows that are to come."""
        super().__init__(id="form")
        self.rows: Sequence[FormRow] = ()
        self._lines: Sequence[FieldLine] = ()
        self._kept = dict(kept)
        self._building = asyncio.Lock()

    async def show(self, rows: Sequence[FormRow], models: int, *, uploads: bool = True) -> None:
        """Build the form anew with what was typed; without `uploads` only small files can be sent.

        The fields that stood there can be typed into until the new ones are there, and none of it is lost.
        """
        async with self._building:
            before = [*self.children]
            ordered = sorted(rows, key=lambda row: (not row.field.required, not is_common(row.field)))
            kept = self.values()
            lines = [
                FieldLine(row, row.text_in(kept), several=models > 1 and len(row.models) < models, uploads=uploads)
                for row in ordered
            ]
            with self.app.batch_update():
                await self._mount_lines(lines)
                self._change_to(ordered, lines)
                await self.remove_children(before)

    async def _mount_lines(self, lines: Sequence[FieldLine]) -> None:
        common = [line for line in lines if is_common(line.row.field)]
        folded = [line for line in lines if not is_common(line.row.field)]
        opened = any(not fold.collapsed for fold in self.query(Collapsible))
        await self.mount_all(common)
        if folded:
            title = f"{len(folded)} more inputs"
            await self.mount(
                Collapsible(*folded, title=title, collapsed=not opened and not any(line.given for line in folded))
            )

    def _change_to(self, rows: Sequence[FormRow], lines: Sequence[FieldLine]) -> None:
        """From here on these fields count; what was typed while they were built, and the focus, goes to them."""
        before, self._kept = self._lines, self.values()
        self.rows, self._lines = rows, lines
        for line in lines:
            text = line.row.text_in(self._kept)
            if text != line.text:
                line.fill(text)
        around = self.screen.focused.ancestors if self.screen.focused is not None else []
        old = next((line for line in before if line in around), None)
        new = next((line for line in lines if old is not None and {*line.row.keys} & {*old.row.keys}), None)
        if old is not None and new is not None:
            new.take_focus(old)

    async def empty(self) -> None:
        """Forget what was typed."""
        async with self._building:
            self._kept = {}
            for line in self._lines:
                line.fill("")
                line.show_fault("")

    @property
    def lines(self) -> Sequence[FieldLine]:
        """Its fields, in the order of `rows`."""
        return self._lines

    def texts(self) -> list[str]:
        """What was typed, by row."""
        return [line.text for line in self._lines]

    def values(self) -> dict[str, str]:
        """What was typed and is not the default, by row key, also for models that are not chosen now."""
        mine = {key for line in self._lines for key in line.row.keys}
        found = ((line.row, line.kept) for line in self._lines)
        typed = {row.key: text for row, text in found if text and text != shown(row.field.default)}
        return {**{key: text for key, text in self._kept.items() if key not in mine}, **typed}

    def show_faults(self, wrong: Mapping[int, str]) -> None:
        """Say what is wrong beside each field and go to the first."""
        for number, line in enumerate(self._lines):
            line.show_fault(wrong.get(number, ""))
        if wrong:
            line = self._lines[min(wrong)]
            for fold in line.ancestors:
                if isinstance(fold, Collapsible):
                    fold.collapsed = False
            line.editor.focus()
