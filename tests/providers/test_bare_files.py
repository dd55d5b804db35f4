"""Files that stand in a result as base64 without address or head."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.support.loopback import PNG
from tests.support.provider_jobs import check_outputs

from mediatui.providers.answers import find_media
from mediatui.providers.discovery import find_outputs, media_by_bytes

HEADS = {
    "PNG": PNG,
    "JPEG": b"\xff\xd8\xff\xe0" + bytes(60),
    "WebP": b"RIFF\x10\x00\x00\x00WEBP" + bytes(60),
    "GIF": b"GIF89a" + bytes(60),
    "MP4": b"\x00\x00\x00\x18ftypmp42" + bytes(60),
    "MP4, longer head": b"\x00\x00\x00\x1fftypisom" + bytes(60),
    "MP3": b"ID3\x04" + bytes(60),
    "Ogg": b"OggS" + bytes(60),
    "FLAC": b"fLaC" + bytes(60),
}


@pytest.mark.parametrize("data", HEADS.values(), ids=HEADS.keys())
def test_a_file_is_known_by_how_its_base64_begins(data: bytes) -> None:
    written = base64.b64encode(data).decode()
    for result in ({"results": [{"payload": written}]}, [written], written):
        (output,) = find_media(result, {}, None)
        assert output.data == data
        check_outputs([output])
        assert output.type is media_by_bytes(data)


def test_under_its_names_any_base64_is_a_file() -> None:
    data = b"\x00\x01\x02" * 30
    (output,) = find_media({"output": {"b64_json": base64.b64encode(data).decode()}}, {}, None)
    assert output.data == data


ENCODED = base64.b64encode(PNG).decode()
NO_FILES: dict[str, Any] = {
    "an input": {"image": ENCODED},
    "an input at an address": {"image": f"data:;base64,{ENCODED}"},
    "words": {"text": "SUQz is how an MP3 begins, and this is a sentence that is long enough to be one of them, or so"},
    "short": {"b64_json": "aGk="},
    "not base64": {"note": "iVBORw0KGgo" + "é" * 80},
}


@pytest.mark.parametrize("result", NO_FILES.values(), ids=NO_FILES.keys())
def test_what_is_no_file_of_the_result(result: dict[str, Any]) -> None:
    assert find_media(result, {"image": ENCODED}, None) == ()


def test_the_bytes_beside_an_address_are_the_same_file() -> None:
    (output,) = find_media({"image": {"url": "https://x.y/a.png", "file_data": ENCODED}}, {}, None)
    assert output.url == "https://x.y/a.png"


def test_only_where_any_text_may_be_a_file() -> None:
    assert find_outputs({"image": ENCODED}, {}) == ()
