"""Outputs are found in every family of results, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediatui.model import MediaType
from mediatui.providers.base import Delivery
from mediatui.providers.discovery import MAX_OUTPUTS, decode_data_address, find_outputs
from mediatui.text import clean_text

CDN = "https://v3b.fal.media/files/b/0a8b/x"
IMG, V, A = MediaType.IMAGE, MediaType.VIDEO, MediaType.AUDIO


def file(name: str, kind: str | None = None, **more: Any) -> dict[str, Any]:
    return {"url": f"{CDN}{name}", "content_type": kind, **more}


FAMILIES: dict[str, tuple[Any, list[tuple[str, str, MediaType]]]] = {
    "flux": (
        {"images": [file("1.jpeg", "image/jpeg"), file("2.jpeg", "image/jpeg")], "seed": 4},
        [("images.0", "image", IMG), ("images.1", "image", IMG)],
    ),
    "nano-banana": ({"images": [file("1.png")], "description": "see https://x.y/"}, [("images.0", "image", IMG)]),
    "recraft, vector": ({"images": [file("1.svg", "image/svg+xml")]}, [("images.0", "image", IMG)]),
    "upscaler": ({"image": file("1"), "mask_image": file("2")},
     [("image", "image", IMG), ("mask_image", "mask_image", IMG)]),
    "video": ({"video": {"url": f"{CDN}.mp4"}, "seed": 5, "actual_prompt": "x"}, [("video", "clip", V)]),
    "kling on gcs": (
        {"video": {"url": "https://storage.googleapis.com/falserverless/a/o", "content_type": "video/mp4"}},
        [("video", "clip", V)],
    ),
    "sora": (
        {"video": file(".mp4"), "video_id": "v1", "thumbnail": file("t.webp"), "spritesheet": file("s.jpg")},
        [("video", "clip", V), ("thumbnail", "thumbnail", IMG), ("spritesheet", "spritesheet", IMG)],
    ),
    "elevenlabs": ({"audio": file(".mp3", "audio/mpeg"), "timestamps": None}, [("audio", "audio", A)]),
    "stable-audio": ({"audio_file": file(".wav", "application/octet-stream")}, [("audio_file", "audio", A)]),
    "sonauto": ({"audio": [file("1.wav"), file("2.wav")], "tags": ["a"]},
     [("audio.0", "audio", A), ("audio.1", "audio", A)]),
    "an address alone": ({"audio_url": f"{CDN}"}, [("audio_url", "audio", A)]),
    "addresses alone": ({"image_urls": [f"{CDN}1", f"{CDN}2"]},
     [("image_urls.0", "image", IMG), ("image_urls.1", "image", IMG)]),
    "nested": ({"data": {"result": [{"clips": [{"video": file("")}]}]}}, [("data.result.0.clips.0.video", "clip", V)]),
    "top level": ([file("a.mp4"), file("b.mp3")], [("0", "clip", V), ("1", "audio", A)]),
    "bare": ({"url": f"{CDN}.mp4"}, [("url", "clip", V)]),
    "a mesh beside its picture": (
        {"model_mesh": file(".glb", "model/gltf-binary"), "rendered_image": file(".png")},
     [("rendered_image", "rendered_image", IMG)]
    ),
    "transcript": ({"text": "x", "chunks": [{"text": "y", "url": 5}], "srt": file(".srt", "text/plain")}, []),
    "not addresses": ({"images": [{"url": None}, {"url": ""}, {"url": "ftp://x/a.png"}, {"url": 5}], "url": {}}, []),
}  # fmt: skip


@pytest.mark.parametrize(("result", "found"), FAMILIES.values(), ids=FAMILIES.keys())
def test_families(result: Any, found: list[tuple[str, str, MediaType]]) -> None:
    outputs = find_outputs(result, {"prompt": "x"})
    assert [(o.path, o.role, o.type) for o in outputs] == found
    assert [o.index for o in outputs] == list(range(len(found)))


def test_a_file_that_says_nothing_is_what_the_model_makes() -> None:
    (output,) = find_outputs({"output": {"url": CDN}}, {}, MediaType.VIDEO)
    assert output.type is MediaType.VIDEO
    assert find_outputs({"output": {"url": CDN}}, {}) == ()
    assert find_outputs({"output": file("x.json", "application/json")}, {}, MediaType.VIDEO) == ()


def test_echoes_of_the_inputs_are_no_outputs() -> None:
    inputs = {"image_url": f"{CDN}in.png", "elements": [{"frontal_image_url": f"{CDN}e.png"}]}
    result = {"video": file(".mp4"), "image_url": f"{CDN}in.png", "input": {"x": [{"url": f"{CDN}e.png"}]}}
    assert [o.path for o in find_outputs(result, inputs)] == ["video"]


def test_facts_and_flags_are_kept() -> None:
    facts = {
        "width": 1280,
        "height": 720,
        "fps": 24,
        "duration": 6.04,
        "file_size": 99,
        "file_name": "a.mp4",
        "seed": 3,
    }
    (output,) = find_outputs({"video": file(".mp4", "video/mp4", **facts), "seed": 4}, {})
    assert (output.width, output.height, output.fps, output.duration) == (1280, 720, 24.0, 6.04)
    assert (output.size, output.file_name, output.seed) == (99, "a.mp4", 3)
    images = find_outputs({"images": [file("1.png"), file("2.png")], "has_nsfw_concepts": [False, True]}, {})
    assert [o.meta for o in images] == [{}, {"nsfw": True}]


def test_facts_of_the_wrong_type_are_left_out() -> None:
    facts = {"width": "1280", "height": True, "fps": float("inf"), "duration": [], "file_size": 1e300, "file_name": 5}
    (output,) = find_outputs({"video": file(".mp4", "video/mp4", **facts)}, {})
    assert (output.width, output.height, output.fps, output.duration, output.size) == (None,) * 5


def test_numbers_that_no_float_can_hold_are_left_out() -> None:
    huge = 10**400
    facts = {"width": huge, "height": -huge, "fps": huge, "duration": -huge, "file_size": huge, "seed": huge}
    (output,) = find_outputs({"video": file(".mp4", "video/mp4", **facts), "seed": huge}, {})
    assert (output.width, output.height, output.fps, output.duration, output.size, output.seed) == (None,) * 6


def test_nothing_that_a_terminal_would_obey_stays_in_a_place_or_an_address() -> None:
    evil = "\x1b]52;c;aGk=\x07\u202e\n\t"
    (output,) = find_outputs({f"vi{evil}deo": {f"x{evil}": {"url": f"{CDN}a{evil} b.mp4"}}}, {})
    assert output.url == f"{CDN}a]52;c;aGk= b.mp4"
    assert not any(ord(c) < 32 or c == "\u202e" for c in f"{output.path}{output.url}{output.role}{output.file_name}")
    (long,) = find_outputs({"k" * 5000: {"url": f"{CDN}a.mp4"}}, {})
    assert len(long.path) <= 200


def test_data_addresses_are_decoded() -> None:
    address = "data:image/webp;base64," + base64.b64encode(b"bytes").decode()
    (output,) = find_outputs({"images": [{"url": address, "content_type": "image/png"}]}, {})
    assert (output.delivery, output.data, output.url) == (Delivery.INLINE, b"bytes", None)
    assert output.content_type == "image/webp"
    assert b"bytes" not in repr(output).encode()
    assert decode_data_address("data:image/svg+xml,%3Csvg%2F%3E") == ("image/svg+xml", b"<svg/>")
    for written in ("YWI_Pw", "YWI/Pw", "YWI%2FPw%3D%3D", "YW\nI/\nPw=="):
        assert decode_data_address(f"DATA:image/png; charset=x;BASE64,{written}") == ("image/png", b"ab?\x3f"[:4])
    assert decode_data_address("data:nothing") is None
    assert decode_data_address("data:image/png;base64,A") is None
    assert decode_data_address("data:image/png;base64,YWI/Y") == ("image/png", b"ab?")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([10**400, -(10**400)]) | st.floats()
    | st.text(max_size=12)
    | st.sampled_from([f"{CDN}a.mp4", f"{CDN}b", "http://[", "data:image/png;base64,QQ==", "data:,", "https://"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["url", "video", "image_url", "images", "content_type", "file_name", "seed",
                                       "width", "has_nsfw_concepts", "x"]), inner, max_size=5),
    max_leaves=40,
)  # fmt: skip


@settings(deadline=None)
@given(JSON, JSON, st.sampled_from([None, *MediaType]))
@example({"images": {"image_url": "https://v3b.fal.media/files/b/0a8b/xa.mp4"}, "has_nsfw_concepts": []}, None, None)
def test_any_result_is_walked(result: Any, inputs: Any, expected: MediaType | None) -> None:
    outputs = find_outputs(result, {"given": inputs}, expected)
    assert all(clean_text(o.path) == o.path and clean_text(o.url or "") == (o.url or "") for o in outputs)
    assert [o.index for o in outputs] == list(range(len(outputs)))
    urls = [o.url for o in outputs if o.url]
    assert len(set(urls)) == len(urls)
    text = json.dumps(result)
    assert all(json.dumps(url) in text for url in urls)
    assert all((o.url is None) == (o.data is not None) for o in outputs)


def test_nothing_is_nested_too_deeply_and_the_number_is_bounded() -> None:
    deep: Any = file(".mp4")
    for _ in range(5000):
        deep = {"x": [deep]}
    (output,) = find_outputs(deep, {})
    assert (output.type, len(output.path) <= 200) == (V, True)
    assert len(find_outputs({"images": [file(f"{n}.png") for n in range(MAX_OUTPUTS + 9)]}, {})) == MAX_OUTPUTS


@pytest.mark.parametrize("head", [b"ID3\x04", b"\xff\xfb\x90\x00", b"RIFF\x24\0\0\0WAVE", b"fLaC", b"OggS"])
def test_a_sound_in_hexadecimal_digits_is_decoded(head: bytes) -> None:
    data = head + bytes(range(100))
    for digits in (data.hex(), data.hex().upper()):
        (output,) = find_outputs({"audio": digits, "duration_ms": 7, "hash": "ab" * 40}, {}, A)
        assert (output.type, output.data, output.path, output.delivery) == (A, data, "audio", Delivery.INLINE)
    (nested,) = find_outputs({"audio": {"url": data.hex()}}, {}, A)
    assert (nested.data, nested.type) == (data, A)
    assert find_outputs({"audio": head.hex(), "seed": "494433"}, {}, A) == ()
