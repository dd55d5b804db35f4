"""What people type into forms, in the schema's own types."""

from __future__ import annotations

from typing import Any

import pytest

from mediatui.providers.base import Field, FieldKind, FormSchema
from mediatui.tui.form_values import FormRow, choice_texts, merge, params_for, parse

K = FieldKind


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (Field("n", "N", K.INTEGER), " 7 ", 7),
        (Field("n", "N", K.NUMBER), "2.5", 2.5),
        (Field("b", "B", K.BOOLEAN), "false", False),
        (Field("c", "C", K.CHOICE, choices=(5, 10)), "10", 10),
        (Field("c", "C", K.CHOICE, choices=("5", 10)), "5", "5"),
        (Field("c", "C", K.CHOICE, choices=(" wide ",)), " wide ", " wide "),
        (Field("l", "L", K.LIST), "a, b", ["a", "b"]),
        (Field("l", "L", K.LIST), '["x"]', ["x"]),
        (Field("o", "O", K.OBJECT), '{"w": 1}', {"w": 1}),
        (Field("m", "M", K.MEDIA), " '/tmp/my pictures/a.png' ", "/tmp/my pictures/a.png"),
        (Field("m", "M", K.MEDIA), "it's", "it's"),
        (Field("t", "T", K.LONG_TEXT), " kept \n", " kept \n"),
        (Field("t", "T", K.TEXT), "", None),
    ],
)
def test_texts_become_values(field: Field, text: str, value: Any) -> None:
    parsed = parse(field, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (Field("n", "N", K.INTEGER), "7.5", "whole number"),
        (Field("n", "N", K.NUMBER), "nan", "a number"),
        (Field("n", "N", K.INTEGER, minimum=1), "0", "at least 1"),
        (Field("n", "N", K.INTEGER, maximum=9), "10", "at most 9"),
        (Field("c", "C", K.CHOICE, choices=("a",)), "b", "choices"),
        (Field("o", "O", K.OBJECT), "[1]", "object"),
        (Field("o", "O", K.OBJECT), "{", "JSON"),
        (Field("o", "O", K.OBJECT), '{"w": NaN}', "JSON"),
        (Field("n", "N", K.INTEGER, maximum=4_294_967_296), "4294967297", "at most 4,294,967,296"),
        (Field("t", "T", K.TEXT, required=True), " ", "needed"),
        (Field("t", "T", K.TEXT, max_length=2), "abc", "at most 2"),
    ],
)
def test_what_is_wrong_is_said(field: Field, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(field, text)


def test_models_share_fields_they_agree_on() -> None:
    seed, prompt = Field("seed", "Seed", K.INTEGER), Field("prompt", "Prompt", K.LONG_TEXT, required=True)
    five, ten = (Field("duration", "Duration", K.CHOICE, choices=(n,)) for n in (5, 10))
    rows = merge({"a": FormSchema("a", (prompt, seed, five)), "b": FormSchema("b", (seed, ten)), "c": None})
    assert [(row.field.name, row.models) for row in rows] == [
        ("seed", ("a", "b")),
        ("duration", ("a",)),
        ("duration", ("b",)),
    ]
    params, wrong = params_for(rows, ["3", "5", "10"])
    assert not wrong
    assert params == {"a": {"seed": 3, "duration": 5}, "b": {"seed": 3, "duration": 10}}


def test_defaults_are_left_to_the_model() -> None:
    rows = [FormRow(Field("fps", "Fps", K.INTEGER, default=24), ("a",))]
    assert params_for(rows, ["24"]) == ({}, {})
    assert params_for(rows, ["x"])[1] == {0: "must be a whole number"}


def test_a_choice_without_default_can_be_left_to_the_model() -> None:
    assert choice_texts(Field("c", "C", K.CHOICE, choices=("a",))) == ["", "a"]
    assert choice_texts(Field("c", "C", K.CHOICE, choices=("a",), default="a")) == ["a"]
    assert choice_texts(Field("b", "B", K.BOOLEAN, default=True)) == ["true", "false"]
