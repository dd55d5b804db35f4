"""What the models make: real files of the promised kind, size and length, the same for the same seed."""

from __future__ import annotations

import array
import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image
from tests.media import makemedia

from mediatui.fal_sizes import IMAGE_SIZES

from .conftest import result, submit


async def test_video_is_h264_with_stereo_aac(client: httpx.AsyncClient) -> None:
    body = {"duration": 0.5, "fps": 24, "resolution": "360p"}
    made = (await result(client, await submit(client, "/sandbox/text-to-video", **body))).json()
    content = (await client.get(made["video"]["url"])).content
    with av.open(io.BytesIO(content), "r") as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        frames = sum(1 for _ in container.decode(picture))
        assert (picture.codec_context.name, picture.width, picture.height) == ("h264", 640, 360)
        assert (picture.average_rate, picture.pix_fmt) == (Fraction(24), "yuv420p")
        assert (sound.codec_context.name, sound.channels, sound.rate) == ("aac", 2, 44100)
        assert container.duration == pytest.approx(500_000, abs=30_000)
    assert content.index(b"moov") < content.index(b"mdat")
    assert made["video"] == {
        "url": made["video"]["url"],
        "content_type": "video/mp4",
        "file_name": made["video"]["url"].rpartition("/")[2],
        "file_size": len(content),
        "width": 640,
        "height": 360,
        "fps": 24,
        "duration": 0.5,
        "num_frames": 12,
    }
    assert frames == 12
    assert (made["seed"], made["prompt"]) == (7, "misty mountain at sunset")


async def test_the_usual_video_is_five_seconds_of_720p(client: httpx.AsyncClient) -> None:
    schema = await client.get("/api/openapi/queue/openapi.json", params={"endpoint_id": "sandbox/text-to-video"})
    fields = schema.json()["components"]["schemas"]["TextToVideoInput"]["properties"]
    usual = {name: fields[name]["default"] for name in ("duration", "resolution", "aspect_ratio", "fps")}
    assert usual == {"duration": 5, "resolution": "720p", "aspect_ratio": "16:9", "fps": 24}


@pytest.mark.parametrize(
    ("ratio", "size"), [("9:16", (180, 320)), ("1:1", (180, 180)), ("4:3", (240, 180)), ("21:9", (420, 180))]
)
async def test_shapes_and_silence(client: httpx.AsyncClient, ratio: str, size: tuple[int, int]) -> None:
    handle = await submit(client, aspect_ratio=ratio, generate_audio=False)
    video = (await result(client, handle)).json()["video"]
    with av.open(io.BytesIO((await client.get(video["url"])).content)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == size
        assert not container.streams.audio
    assert (video["width"], video["height"]) == size


@pytest.mark.parametrize(("kind", "name"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
async def test_pictures_of_each_format(client: httpx.AsyncClient, kind: str, name: str) -> None:
    body = {"image_size": {"width": 96, "height": 64}, "output_format": kind, "num_images": 2}
    made = (await result(client, await submit(client, "/sandbox/text-to-image", **body))).json()
    contents = []
    for image in made["images"]:
        response = await client.get(image["url"])
        with Image.open(io.BytesIO(response.content)) as picture:
            assert (picture.format, picture.size) == (name, (96, 64))
        assert response.headers["content-type"] == image["content_type"] == f"image/{kind}"
        contents.append(response.content)
    assert contents[0] != contents[1]
    assert made["has_nsfw_concepts"] == [False, False]
    assert set(made) == {"images", "timings", "seed", "has_nsfw_concepts", "prompt"}


async def test_preset_sizes_and_data_uris(client: httpx.AsyncClient) -> None:
    body = {"image_size": "square", "output_format": "jpeg", "sync_mode": True}
    made = (await result(client, await submit(client, "/sandbox/text-to-image", **body))).json()
    head, _, content = made["images"][0]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert picture.size == IMAGE_SIZES["square"]


async def test_sound_is_a_wav_of_the_asked_length_that_is_heard_and_not_clipped(client: httpx.AsyncClient) -> None:
    made = (await result(client, await submit(client, "/sandbox/text-to-audio", seconds_total=1.5))).json()
    audio = made["audio_file"]
    content = (await client.get(audio["url"])).content
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 44100, 2)
        assert file.getnframes() == 1.5 * 44100
        samples = array.array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    assert 3000 < max(abs(sample) for sample in samples) < 32000
    assert samples[0] == samples[-1] == 0
    assert (audio["content_type"], audio["duration"], audio["file_size"]) == ("audio/wav", 1.5, len(content))


async def test_without_a_seed_each_request_gets_its_own(client: httpx.AsyncClient) -> None:
    body = {"image_size": {"width": 32, "height": 32}, "seed": None}
    made = [(await result(client, await submit(client, "/sandbox/text-to-image", **body))).json() for _ in range(2)]
    assert made[0]["seed"] != made[1]["seed"]


def render(order: dict[str, Any], hash_seed: str = "0") -> list[dict[str, Any]]:
    """Run the render process as the server does, and return what it says."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "mediatui.sandbox.render"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        said = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    return said


def video_order(folder: Path, **changes: Any) -> dict[str, Any]:
    order = {"makes": "video", "folder": str(folder), "names": ["a.mp4"], "prompt": "magic flow", "seed": 4}
    shape = {"width": 160, "height": 90, "fps": 24, "frames": 6, "audio": False, "scene": "flow"}
    return order | shape | changes


def picture_hashes(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [hashlib.sha256(makemedia.image_of(f).tobytes()).hexdigest() for f in container.decode(video=0)]


@pytest.mark.parametrize("scene", ["ridges", "neon", "flow"])
def test_the_same_prompt_and_seed_draw_the_same_in_every_process(tmp_path: Path, scene: str) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, seed, hash_seed in zip(folders, (4, 4, 5), ("1", "2", "1"), strict=True):
        render(video_order(folder, seed=seed, scene=scene), hash_seed)
    one, two, three = (picture_hashes(folder / "a.mp4") for folder in folders)
    assert one == two
    assert one != three
    assert len(set(one)) == 6


def test_the_sound_is_the_same_in_every_process(tmp_path: Path) -> None:
    for name in ("one", "two"):
        order = {"makes": "audio", "folder": str(tmp_path / name), "names": ["a.wav"], "prompt": "x", "seed": 1}
        render(order | {"seconds": 0.5}, name.encode().hex()[:4].translate(str.maketrans("abcdef", "123456")))
    assert (tmp_path / "one/a.wav").read_bytes() == (tmp_path / "two/a.wav").read_bytes()


def test_the_renderer_ends_when_nobody_wants_the_result_any_more(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "mediatui.sandbox.render"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        order = video_order(tmp_path, width=1280, height=720, frames=100_000)
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        assert b"frame" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=20) == 1
    assert not (tmp_path / "a.mp4").exists()


def test_part_files_of_a_killed_renderer_are_cleared_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".a.mp4.1.part").write_bytes(b"half")
    render(video_order(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("prompt", ["森の中の狐 🦊", "x" * 400, "a b " * 200, "\u202eevil\x1b[31m", "…"])
def test_any_prompt_can_be_captioned(tmp_path: Path, prompt: str) -> None:
    render(video_order(tmp_path, prompt=prompt, frames=1))
    assert len(picture_hashes(tmp_path / "a.mp4")) == 1
