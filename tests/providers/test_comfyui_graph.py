"""Graphs as templates: placeholders, their kinds and defaults, and what a graph must be."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.provider_jobs import DOCUMENTS, refused

from mediatui.errors import ErrorKind
from mediatui.providers.base import FieldKind
from mediatui.providers.comfy_graph import (
    fill,
    find_templates,
    form_of,
    parse_template,
    read_template,
    values_for,
)


def graph_with(**inputs: Any) -> dict[str, Any]:
    return {"1": {"class_type": "Any", "inputs": inputs}}


KINDS: list[tuple[str, FieldKind, Any]] = [
    ("{{prompt}}", FieldKind.LONG_TEXT, None),
    ("{{style}}", FieldKind.TEXT, None),
    ("{{style=soft, warm}}", FieldKind.TEXT, "soft, warm"),
    ("{{ width = 1024 }}", FieldKind.INTEGER, 1024),
    ("{{strength=0.5}}", FieldKind.NUMBER, 0.5),
    ("{{tile|boolean=true}}", FieldKind.BOOLEAN, True),
    ("{{first|image}}", FieldKind.MEDIA, None),
    ("{{sampler|choice=euler, dpmpp_2m}}", FieldKind.CHOICE, "euler"),
    ("{{extra|object}}", FieldKind.OBJECT, None),
]


@pytest.mark.parametrize(("text", "kind", "default"), KINDS)
def test_a_placeholder_says_its_kind_and_default(text: str, kind: FieldKind, default: Any) -> None:
    (field,) = form_of("m", parse_template(graph_with(x=text))).fields
    assert (field.kind, field.default) == (kind, default)


def test_alone_a_value_keeps_its_type_and_within_a_text_it_is_written_out() -> None:
    template = parse_template(graph_with(a="{{width=512}}", b="size {{width}}x{{width}}", c=["{{width}}", 0], d=7))
    values = values_for(template, {"width": "640"}, 1)
    assert fill(template, values)["1"]["inputs"] == {"a": 640, "b": "size 640x640", "c": [640, 0], "d": 7}


def test_a_seed_of_minus_one_or_none_is_ours() -> None:
    template = parse_template(graph_with(seed="{{seed}}"))
    assert [values_for(template, given, 99)["seed"] for given in ({}, {"seed": -1}, {"seed": None}, {"seed": 5})] == [
        99,
        99,
        99,
        5,
    ]
    usual = parse_template(graph_with(seed="{{seed=-1}}"))  # the server itself refuses a seed below zero
    assert [values_for(usual, given, 99)["seed"] for given in ({}, {"seed": 7})] == [99, 7]


BAD: list[tuple[Any, str]] = [
    ({"nodes": [], "links": []}, "Export"),
    ([], "not a graph"),
    ({}, "not a graph"),
    ({"1": {"inputs": {}}}, "class_type"),
    (graph_with(x="{{a|colour}}"), "unknown kind"),
    (graph_with(x="{{width=wide}}"), "no integer"),
]


@pytest.mark.parametrize(("document", "words"), BAD)
def test_what_is_no_template_says_why(tmp_path: Path, document: Any, words: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document))
    with refused(ErrorKind.UNSUPPORTED) as found:
        read_template(path)
    assert words in found[0].message
    assert "bad.json" in found[0].message


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"1": '])
def test_a_file_that_is_no_json_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with refused(ErrorKind.UNSUPPORTED):
        read_template(path)
    with refused(ErrorKind.UNSUPPORTED):
        read_template(tmp_path / "absent.json")


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe.json", tmp_path / "folder.json"
    os.mkfifo(pipe)
    folder.mkdir()
    for path in (pipe, folder):
        with refused(ErrorKind.UNSUPPORTED) as errors:
            read_template(path)
        assert errors[0].message == f"the workflow {path.name} cannot be used: it is not a file"


def test_a_graph_in_the_envelope_of_the_api_is_taken_out() -> None:
    assert parse_template({"prompt": graph_with(x="{{prompt}}")}).graph == graph_with(x="{{prompt}}")


def test_hidden_files_and_folders_are_no_models(tmp_path: Path) -> None:
    for name in ("a.json", "b/c.json", ".d.json", ".git/e.json", "f.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    assert sorted(find_templates(tmp_path)) == ["a", "b/c"]


@settings(deadline=None)
@given(document=DOCUMENTS)
def test_any_document_is_a_template_or_says_why_not(document: Any) -> None:
    for shape in (document, graph_with(x=document), {"1": document}):
        with suppress(ValueError):
            template = parse_template(shape)
            form_of("m", template)
            assert template.category


@settings(deadline=None)
@given(value=st.text(max_size=30))
def test_a_value_is_never_taken_for_a_template(value: str) -> None:
    template = parse_template(graph_with(a="<{{prompt}}>", b="{{prompt}}"))
    if value:
        filled = fill(template, values_for(template, {"prompt": value}, 1))
        assert filled["1"]["inputs"] == {"a": f"<{value}>", "b": value}


@pytest.mark.parametrize("title", ["{{prompt}}", "for {{prompt}} and {{nobody}}"])
def test_a_mark_in_a_title_that_no_input_has_is_only_text(title: str) -> None:
    node = {"class_type": "KSampler", "_meta": {"title": title}, "inputs": {"steps": "{{steps=20}}"}}
    template = parse_template({"1": node})
    filled = fill(template, values_for(template, {}, 7))
    assert filled["1"] == {**node, "inputs": {"steps": 20}}


def test_what_is_none_of_the_choices_is_refused_by_name() -> None:
    template = parse_template({"1": {"class_type": "KSampler", "inputs": {"a": "{{sampler|choice=euler, dpmpp}}"}}})
    assert values_for(template, {"sampler": "dpmpp"}, 7) == {"sampler": "dpmpp"}
    with refused(ErrorKind.INVALID_INPUT) as errors:
        values_for(template, {"sampler": "heun"}, 7)
    assert errors[0].fields == {"sampler": "not one of euler, dpmpp"}
