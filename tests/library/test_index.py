"""Records and documents: nothing is lost on the way, and no document can crash the reader."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.library.make_golden import ITEM, JOB, PROJECT

from mediatui.library.fields import is_inside, json_clean
from mediatui.library.index import (
    decode_sidecar,
    encode_sidecar,
    item_from_document,
    item_to_document,
    job_from_document,
    job_to_document,
    project_from_document,
    project_to_document,
)
from mediatui.library.record import Unreadable
from mediatui.model import Job, MediaItem, MediaType, Phase, SaveState

ISSUE_FIELDS = {
    *("id", "project", "name", "type", "role", "provider", "model", "prompt", "params", "job", "path", "url"),
    *("url_expires_at", "save_state", "storage_error", "file_size", "sha256", "crc32", "duration", "width"),
    *("height", "fps", "created_at"),
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
item_names = st.sampled_from([field.name for field in fields(MediaItem)] + ["unknown"])
job_names = st.sampled_from([field.name for field in fields(Job)] + ["unknown"])


def test_items_jobs_and_projects_survive_the_trip() -> None:
    trouble: list[str] = []
    assert item_from_document(item_to_document(ITEM), ITEM.project, ITEM.id, trouble.append) == ITEM
    assert job_from_document(job_to_document(JOB), JOB.project, JOB.id, trouble.append) == JOB
    assert project_from_document(project_to_document(PROJECT), PROJECT.id, trouble.append) == PROJECT
    bare = MediaItem("i", "p", "n", MediaType.AUDIO)
    assert item_from_document(item_to_document(bare), "p", "i", trouble.append) == bare
    job = Job("j", "p", "fal", "m", "x")
    assert job_from_document(job_to_document(job), "p", "j", trouble.append) == job
    assert trouble == []


def test_a_document_has_the_published_fields_and_is_json() -> None:
    for item in (ITEM, MediaItem("i", "p", "n", MediaType.AUDIO)):
        document = item_to_document(item)
        assert set(document) >= ISSUE_FIELDS
        assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert item_to_document(ITEM)["storage_error"] == {
        "kind": "disk-full",
        "message": "No space left on device",
        "time": 1_763_600_061.0,
        "attempts": 3,
    }


def test_unknown_fields_are_carried_and_never_hide_known_ones() -> None:
    item = item_from_document({"type": "video", "save_state": "unsaved", "mood": 5}, "p", "i")
    assert item.extra == {"mood": 5}
    document = item_to_document(replace(item, extra={"mood": 6, "id": "other"}))
    assert (document["mood"], document["id"]) == (6, "i")


@given(st.dictionaries(item_names, json_values))
@example({"tags": ["\x1f"]})
def test_any_document_makes_an_item(document: dict[str, Any]) -> None:
    item = item_from_document(document, "p", "key")
    assert (item.id, item.project) == ("key", "p")
    again = item_to_document(item)
    json.dumps(again, allow_nan=False)
    assert item_to_document(item_from_document(again, "p", "key")) == again


@given(st.dictionaries(job_names, json_values))
def test_any_document_makes_a_job(document: dict[str, Any]) -> None:
    job = job_from_document(document, "p", "key")
    again = job_to_document(job)
    json.dumps(again, allow_nan=False)
    assert job_to_document(job_from_document(again, "p", "key")) == again


@given(st.dictionaries(st.sampled_from(["name", "created_at", "save_policy", "x"]), json_values))
def test_any_document_makes_a_project(document: dict[str, Any]) -> None:
    assert project_from_document(document, "key").name


@pytest.mark.parametrize(
    ("field", "value", "seen"),
    [
        ("type", "hologram", MediaType.VIDEO),
        ("save_state", "lost", SaveState.UNSAVED),
        ("width", "wide", None),
        ("width", True, None),
        ("duration", 1e999, None),
        ("created_at", 1e18, 0.0),
        ("created_at", 253_402_300_800, 0.0),
        ("url_expires_at", -1e300, None),
        ("saved_at", 1e300, None),
        ("file_size", 3.5, None),
        ("params", [], {}),
        ("prompt", 3, ""),
        ("path", "../../etc/passwd", None),
        ("path", "/etc/passwd", None),
        ("path", "C:\\x.mp4", None),
        ("storage_error", "yes", None),
    ],
)
def test_a_value_without_sense_is_replaced_and_reported(field: str, value: object, seen: object) -> None:
    good = {"type": "video", "save_state": "unsaved", "url": "https://x/y"}
    trouble: list[str] = []
    item = item_from_document({**good, field: value}, "p", "i", trouble.append)
    assert getattr(item, field) == seen
    assert len(trouble) == 1
    assert field in trouble[0]


def test_a_phase_without_sense_is_unknown_and_thus_never_sent_again() -> None:
    assert job_from_document({"phase": "dancing"}, "p", "j").phase is Phase.UNKNOWN
    assert job_from_document({}, "p", "j").phase is Phase.UNKNOWN


def test_control_characters_do_not_come_in() -> None:
    item = item_from_document({"name": "a\x1b[31mb\u202ec", "prompt": "x\ny\x00"}, "p", "i")
    assert (item.name, item.prompt) == ("a[31mbc", "x\ny")


@pytest.mark.parametrize("path", ["", ".", "..", "a/../b", "a//b", "/a", "a/", "a\\b", "c:x", "a\0b", "a/./b"])
def test_paths_that_could_lead_out(path: str) -> None:
    assert not is_inside(path)


def test_paths_inside() -> None:
    assert is_inside("videos/AI-Video-a b-1.mp4")
    assert is_inside("videos/..hidden")


def test_json_clean() -> None:
    value = {1: (1, 2), "nan": float("nan"), "kind": MediaType.VIDEO, "set": {3}, "flag": True, "o": object}
    cleaned = json_clean(value)
    assert cleaned == {"1": [1, 2], "nan": None, "kind": "video", "set": [3], "flag": True, "o": str(object)}
    assert type(cleaned["kind"]) is str


def test_a_sidecar_is_the_document_in_one_checksummed_line() -> None:
    data = encode_sidecar(ITEM)
    assert data.count(b"\n") == 1
    document, verified = decode_sidecar(data)
    assert verified
    assert document == item_to_document(ITEM)
    edited, verified = decode_sidecar(data.replace(b"lighthouse", b"Lighthouse"))
    assert not verified
    assert edited["prompt"].startswith("a Lighthouse")
    for junk in (b"", b"{}", b"[1]", b"\x00", b'{"id":3}', data[:50]):
        with pytest.raises(Unreadable):
            decode_sidecar(junk)
