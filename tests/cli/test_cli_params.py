"""Parameters from the command line against a model's schema."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from mediatui.cli.params import Requested, fit, literal, parse_object, parse_pairs, read_prompt, typed
from mediatui.errors import UsageError
from mediatui.providers.base import Field, FieldKind, FormSchema

DURATION = Field("duration", "Duration", FieldKind.INTEGER, minimum=1, maximum=10)
SCHEMA = FormSchema(
    "video",
    (
        Field("prompt", "Prompt", FieldKind.LONG_TEXT, required=True),
        DURATION,
        Field("guidance", "Guidance", FieldKind.NUMBER),
        Field("audio", "Audio", FieldKind.BOOLEAN),
        Field("fps", "FPS", FieldKind.CHOICE, choices=(24, 30)),
        Field("size", "Size", FieldKind.CHOICE, choices=("720", "1080")),
        Field("image_url", "Image", FieldKind.MEDIA),
        Field("seed", "Seed", FieldKind.INTEGER),
        Field("tags", "Tags", FieldKind.LIST),
        Field("extra", "Extra", FieldKind.OBJECT),
    ),
)


def value(name: str, text: str) -> Any:
    return typed(text, SCHEMA.field(name))[0]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("prompt", "12", "12"),
        ("duration", "5", 5),
        ("guidance", "7.5", 7.5),
        ("guidance", "7", 7),
        ("audio", "yes", True),
        ("audio", "FALSE", False),
        ("fps", "30", 30),
        ("size", "720", "720"),
        ("image_url", "https://e.org/1.png", "https://e.org/1.png"),
        ("tags", "one", ["one"]),
        ("tags", '["one", "two"]', ["one", "two"]),
        ("extra", '{"a": 1}', {"a": 1}),
        ("unknown", "1.50", 1.5),
        ("unknown", "1.5.0", "1.5.0"),
    ],
)
def test_values_take_the_type_of_their_field(name: str, text: str, expected: Any) -> None:
    found = value(name, text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "text", "warning"),
    [
        ("duration", "99", "outside 1 … 10"),
        ("duration", "long", "a number is expected"),
        ("guidance", "true", "a number is expected"),
        ("audio", "loud", "true or false"),
        ("fps", "25", "24, 30"),
    ],
)
def test_what_does_not_fit_is_sent_with_a_warning(name: str, text: str, warning: str) -> None:
    _, said = typed(text, SCHEMA.field(name))
    assert warning in said


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks_stay_text(text: str) -> None:
    assert literal(text) == text
    with pytest.raises(UsageError):
        parse_object(f'{{"x": {text}}}')


def test_an_unknown_name_is_sent_with_the_nearest_name() -> None:
    fitted, warnings = fit(Requested({"duratoin": ["5"]}), {"video": SCHEMA})
    assert fitted == {"video": {"duratoin": 5}}
    assert len(warnings) == 1
    assert "'duration'" in warnings[0]


def test_a_parameter_goes_to_the_models_that_know_it() -> None:
    image = FormSchema("image", (Field("num_images", "Images", FieldKind.INTEGER),))
    requested = Requested({"duration": ["5"], "num_images": ["2"]}, {"seed": 7})
    fitted, warnings = fit(requested, {"video": SCHEMA, "image": image})
    assert fitted == {"video": {"seed": 7, "duration": 5}, "image": {"num_images": 2}}
    assert warnings == []


def test_without_a_schema_everything_is_sent() -> None:
    fitted, warnings = fit(Requested({"a": ["1"], "b": ["x"]}, {"seed": 7}, "https://e.org/i.png"), {"m": None})
    assert fitted == {"m": {"seed": 7, "a": 1, "b": "x", "image_url": "https://e.org/i.png"}}
    assert warnings == []


def test_the_picture_goes_where_the_model_takes_one() -> None:
    start = FormSchema("a", (Field("audio_url", "", FieldKind.MEDIA), Field("start_image_url", "", FieldKind.MEDIA)))
    many = FormSchema("b", (Field("image_urls", "", FieldKind.LIST),))
    fitted, _ = fit(Requested(image="https://e.org/i.png"), {"a": start, "b": many})
    assert fitted == {
        "a": {"start_image_url": "https://e.org/i.png"},
        "b": {"image_urls": ["https://e.org/i.png"]},
    }


@pytest.mark.parametrize("pair", ["novalue", "=1", " =1"])
def test_pairs_need_a_name_and_a_value(pair: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        parse_pairs([pair])


def test_pairs_keep_everything_after_the_first_equals_sign() -> None:
    assert parse_pairs(["a=b=c", "d="]) == {"a": ["b=c"], "d": [""]}


def test_a_list_may_be_given_value_by_value() -> None:
    fitted, _ = fit(Requested(parse_pairs(["tags=one", 'tags=["two", "three"]'])), {"video": SCHEMA})
    assert fitted == {"video": {"tags": ["one", "two", "three"]}}


@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["known", "unknown"])
def test_a_value_given_twice_is_not_guessed_at(schema: FormSchema | None) -> None:
    with pytest.raises(UsageError, match="given 2 times"):
        fit(Requested(parse_pairs(["duration=5", "duration=10"])), {"video": schema})


@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["known", "unknown"])
@pytest.mark.parametrize(
    "given", [Requested({"prompt": ["x"]}), Requested(values={"prompt": "x"})], ids=["text", "json"]
)
def test_a_second_prompt_is_refused(schema: FormSchema | None, given: Requested) -> None:
    with pytest.raises(UsageError, match="prompt"):
        fit(given, {"video": schema})


def test_a_prompt_that_a_model_calls_otherwise_is_its_prompt() -> None:
    speech = FormSchema("speech", (Field("text", "Text", FieldKind.LONG_TEXT),), prompt_field="text")
    with pytest.raises(UsageError, match="text= is the prompt of speech"):
        fit(Requested({"text": ["x"]}), {"speech": speech})


def test_a_picture_given_twice_is_not_guessed_at() -> None:
    with pytest.raises(UsageError, match="--image and image_url="):
        fit(Requested({"image_url": ["https://e.org/1.png"]}, image="https://e.org/2.png"), {"video": SCHEMA})


def test_what_stands_on_the_line_wins_over_the_object() -> None:
    given = Requested({"duration": ["5"]}, {"duration": 9, "image_url": "https://e.org/1.png"}, "https://e.org/2.png")
    assert fit(given, {"video": SCHEMA})[0] == {"video": {"duration": 5, "image_url": "https://e.org/2.png"}}


def test_a_prompt_without_quotes_is_explained() -> None:
    with pytest.raises(UsageError) as error:
        parse_pairs(["lighthouse"])
    assert "quotes" in error.value.hint


def test_an_object_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"fps": 24}')
    assert parse_object(f"@{file}") == {"fps": 24}


def test_what_an_editor_of_windows_writes_is_an_object_too(tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_bytes(b'\xef\xbb\xbf{"fps": 24}\r\n')
    assert parse_object(f"@{file}") == {"fps": 24}
    file.write_bytes(b'{"style": "caf\xe9"}')
    with pytest.raises(UsageError, match="not text in UTF-8"):
        parse_object(f"@{file}")


@pytest.mark.parametrize("text", ['{"fps": 24, "seed": 1, "fps": 25}', '{"camera": {"zoom": 1, "zoom": 2}}'])
def test_a_name_that_is_there_twice_is_not_guessed_at(text: str) -> None:
    with pytest.raises(UsageError, match="is there twice"):
        parse_object(text)


@pytest.mark.parametrize("text", ["[1]", "{", "@/nowhere/at/all.json"])
def test_anything_but_an_object_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_object(text)


def test_a_dash_reads_the_prompt_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("  ein Fuchs 🦊\n".encode()), encoding="ascii"))
    assert read_prompt("-") == "ein Fuchs 🦊"


def test_a_blank_prompt_is_refused() -> None:
    with pytest.raises(UsageError, match="empty"):
        read_prompt(" \n")
