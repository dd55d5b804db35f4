"""Downloads as a CDN serves them, and uploads as fal's clients send them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import httpx
import pytest
from PIL import Image

from mediatui.sandbox.server import SandboxServer

from .conftest import result, submit


@pytest.fixture
async def video(client: httpx.AsyncClient) -> httpx.Response:
    """A rendered clip, downloaded."""
    made = (await result(client, await submit(client))).json()["video"]
    response = await client.get(made["url"])
    assert len(response.content) == made["file_size"]
    return response


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 24)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 40, 90)).save(buffer, kind)
    return buffer.getvalue()


async def test_whole_file(video: httpx.Response, sandbox: SandboxServer) -> None:
    assert video.headers["content-type"] == "video/mp4"
    assert video.headers["accept-ranges"] == "bytes"
    assert int(video.headers["content-length"]) == len(video.content)
    assert video.headers["etag"].startswith('"')
    async with httpx.AsyncClient(trust_env=False) as nobody:
        again = await nobody.get(video.url)
        head = await nobody.head(video.url)
    assert again.content == video.content
    assert again.headers["etag"] == video.headers["etag"]
    assert head.headers["content-length"] == video.headers["content-length"]


async def test_ranges(client: httpx.AsyncClient, video: httpx.Response) -> None:
    size = len(video.content)
    for text, start, stop in (("100-", 100, size), ("0-9", 0, 10), ("-50", size - 50, size)):
        part = await client.get(video.url, headers={"Range": f"bytes={text}"})
        assert part.status_code == 206
        assert part.content == video.content[start:stop]
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"


async def test_range_beyond_the_end_is_416(client: httpx.AsyncClient, video: httpx.Response) -> None:
    size = len(video.content)
    response = await client.get(video.url, headers={"Range": f"bytes={size}-"})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{size}"


async def test_if_range_with_another_tag_sends_everything(client: httpx.AsyncClient, video: httpx.Response) -> None:
    same = await client.get(video.url, headers={"Range": "bytes=5-", "If-Range": video.headers["etag"]})
    other = await client.get(video.url, headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert same.status_code == 206
    assert (other.status_code, other.content) == (200, video.content)


async def test_nothing_else_in_the_folder_is_served(
    client: httpx.AsyncClient, tmp_path: Path, video: httpx.Response
) -> None:
    folder = video.url.path.split("/")[3]
    (tmp_path / "sandbox" / "files" / folder / ".a.mp4.1.part").write_bytes(b"half")
    for path in (
        f"/files/b/{folder}/.a.mp4.1.part",
        f"/files/b/{folder}/..%2f..%2fport",
        "/files/b/../port",
        "/files/b/requests/" + folder + ".json",
        f"/files/b/{folder}/other.mp4",
    ):
        assert (await client.get(path)).status_code in (404, 405), path


async def test_upload_by_initiate_and_put(client: httpx.AsyncClient) -> None:
    begun = await client.post(
        "/storage/upload/initiate",
        params={"storage_type": "fal-cdn-v3"},
        json={"file_name": "../My Picture.png", "content_type": "image/png"},
    )
    urls = begun.json()
    async with httpx.AsyncClient(trust_env=False) as nobody:
        sent = await nobody.put(urls["upload_url"], content=picture(), headers={"Content-Type": "image/png"})
        got = await nobody.get(urls["file_url"])
    assert (begun.status_code, sent.status_code) == (200, 200)
    assert (got.content, got.headers["content-type"]) == (picture(), "image/png")
    assert urls["file_url"].endswith("/My-Picture.png")


async def test_upload_with_a_token(client: httpx.AsyncClient, sandbox: SandboxServer) -> None:
    token = (await client.post("/storage/auth/token", json={})).json()
    headers = {
        "Authorization": f"{token['token_type']} {token['token']}",
        "Content-Type": "text/plain",
        "X-Fal-File-Name": "a.txt",
    }
    sent = await client.post(token["base_url"] + "/files/upload", content=b"hello", headers=headers)
    got = await client.get(sent.json()["access_url"])
    assert (got.content, got.headers["content-type"]) == (b"hello", "text/plain")


@pytest.mark.parametrize("form", ["python", "javascript"])
async def test_upload_in_parts_sent_in_any_order(client: httpx.AsyncClient, form: str) -> None:
    if form == "python":
        begun = (await client.post("/files/upload/multipart", headers={"X-Fal-File-Name": "big.bin"})).json()
        url, base = begun["access_url"], f"{begun['access_url']}/multipart/{begun['uploadId']}"
    else:
        body = {"file_name": "big.bin", "content_type": "application/octet-stream"}
        begun = (await client.post("/storage/upload/initiate-multipart", json=body)).json()
        url, base = begun["file_url"], begun["upload_url"]
    parts = []
    for number, content in ((2, b"world"), (1, b"hello ")):
        sent = await client.put(f"{base}/{number}", content=content)
        parts.append({"partNumber": number, "etag": sent.headers["etag"]})
    assert (await client.get(url)).status_code == 404
    nameless = await client.post(f"{base}/complete", json={"parts": [*parts, {"etag": "x"}]})
    assert (nameless.status_code, nameless.json()) == (400, {"detail": "A part has no number"})
    missing = await client.post(f"{base}/complete", json={"parts": [*parts, {"partNumber": 3}]})
    assert missing.status_code == 400
    for number, content in ((2, b"world"), (1, b"hello ")):
        await client.put(f"{base}/{number}", content=content)
    assert (await client.post(f"{base}/complete", json={"parts": parts})).status_code == 200
    assert (await client.get(url)).content == b"hello world"


async def test_nothing_is_stored_that_was_not_announced(client: httpx.AsyncClient, sandbox: SandboxServer) -> None:
    response = await client.put("/files/b/0123456789abcdef/x.bin", content=b"x")
    assert response.status_code == 404


async def image_to_video(client: httpx.AsyncClient, image_url: str) -> httpx.Response:
    return await result(client, await submit(client, "/sandbox/image-to-video", image_url=image_url))


async def test_image_to_video_takes_uploads_and_data_uris(client: httpx.AsyncClient) -> None:
    body = {"file_name": "a.jpg", "content_type": "image/jpeg"}
    urls = (await client.post("/storage/upload/initiate", json=body)).json()
    await client.put(urls["upload_url"], content=picture("JPEG"))
    inline = "data:image/webp;base64," + base64.b64encode(picture("WEBP")).decode()
    for url in (urls["file_url"], inline):
        video = (await image_to_video(client, url)).json()["video"]
        assert (video["width"], video["height"], video["num_frames"]) == (320, 180, 2)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("data:image/png;base64,AAAA", "image_load_error"),
        ("data:image/png;base64," + base64.b64encode(picture(size=(4, 4))).decode(), "image_too_small"),
        ("file:///etc/passwd", "file_download_error"),
        ("http://127.0.0.1:9/nothing.png", "file_download_error"),
    ],
)
async def test_pictures_that_cannot_be_used_are_422(client: httpx.AsyncClient, url: str, kind: str) -> None:
    response = await image_to_video(client, url)
    problem = response.json()["detail"][0]
    assert (response.status_code, problem["type"], problem["loc"]) == (422, kind, ["body", "image_url"])


async def test_a_full_disk_answers_an_error_in_words(
    client: httpx.AsyncClient, sandbox: SandboxServer, tmp_path: Path
) -> None:
    requests = tmp_path / "sandbox" / "requests"
    moved = requests.rename(tmp_path / "moved")
    response = await client.post("/sandbox/text-to-audio", json={"prompt": "x"})
    moved.rename(requests)
    assert response.status_code == 500
    assert "could not be stored: No such file" in response.json()["detail"]


async def test_an_upload_is_announced_by_an_object(client: httpx.AsyncClient) -> None:
    answer = await client.post("/storage/upload/initiate", json=["a list"])
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "Input should be a valid dictionary"
