"""Local files as inputs: checked first, uploaded before the submit, recorded, and used again while they are there."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.studio.conftest import Keep, Opener
from tests.support.fal_server import JPEG, PNG, FalServer, Reply, png
from tests.support.scenes import running
from tests.support.scenes import settings_for as scene_settings
from tests.support.workshop import SECONDS, Workshop, on_disk, open_with

from mediatui.errors import ErrorKind, UsageError
from mediatui.model import Job, Phase
from mediatui.providers import fal_upload
from mediatui.studio.events import JobProgress
from mediatui.studio.inline import BadInput
from mediatui.studio.inputs import INPUT_FILES
from mediatui.studio.uploads import MARGIN


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fal_upload, "PAUSES", (0.0, 0.0))


def instead(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Puts something else in a file's place."""

    def replaced(path: Path) -> None:
        path.unlink()
        make(path)

    return replaced


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "fox.png"
    path.parent.mkdir()
    path.write_bytes(PNG)
    return path


def notes(job: Job) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.extra[INPUT_FILES]
    return found


def test_a_file_is_uploaded_before_the_request_goes_out(fal: FalServer, shop: Workshop, picture: Path) -> None:
    (job,), _ = shop.make(params={"image_url": str(picture), "strength": 0.5})
    url = f"{fal.url}/files/up/1-fox.png"
    assert [fal.step(call) for call in fal.calls if fal.step(call) in ("initiate", "put", "submit")] == [
        "initiate",
        "put",
        "submit",
    ]
    assert fal.of("put")[0].body == PNG
    assert fal.submits[0].json == {"image_url": url, "strength": 0.5, "prompt": "a fox"}
    assert job.params["image_url"] == str(picture)
    digest = hashlib.sha256(PNG).hexdigest()
    known = {"field": "image_url", "path": str(picture), "sha256": digest, "size": len(PNG)}
    assert notes(job) == [{**known, "content_type": "image/png", "url": url}]
    assert on_disk(shop.locations, "jobs")[job.id][INPUT_FILES] == notes(job)


def test_the_upload_is_over_before_the_job_counts_as_being_sent(fal: FalServer, shop: Workshop, picture: Path) -> None:
    held = threading.Event()
    fal.script("put", Reply(headers={"ETag": '"x"'}, hold=held))
    made = shop.studio.generate(_request(picture))
    fal.wait_for("put")
    (record,) = on_disk(shop.locations, "jobs").values()
    assert (record["phase"], record["inputs"]["image_url"]) == ("draft", str(picture))
    told = [e for e in shop.events if isinstance(e, JobProgress) and e.phase is Phase.DRAFT and e.fraction is not None]
    assert told[0].last_log == f"uploading fox.png: 0 B of {len(PNG)} B"
    held.set()
    assert made.result(SECONDS)[0].phase is Phase.QUEUED
    assert len(fal.submits) == 1


def _request(picture: Path, **more: Any) -> Any:
    from mediatui.studio.requests import GenerateRequest

    return GenerateRequest("a fox", ("fal-ai/test",), "demo", {"image_url": str(picture)}, **more)


def test_cancelled_while_uploading_is_never_sent(fal: FalServer, shop: Workshop, picture: Path) -> None:
    held = threading.Event()
    fal.script("put", Reply(headers={"ETag": '"x"'}, hold=held))
    made = shop.studio.generate(_request(picture))
    fal.wait_for("put")
    (job_id,) = on_disk(shop.locations, "jobs")
    assert shop.studio.cancel(job_id).result(SECONDS)
    held.set()
    assert made.result(SECONDS)[0].phase is Phase.CANCELLED
    assert not fal.submits


def test_lists_and_nested_inputs_and_ways_to_write_a_path(
    fal: FalServer, shop: Workshop, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = picture.with_name("b ä.jpg")
    other.write_bytes(JPEG)
    monkeypatch.chdir(picture.parent)
    monkeypatch.setenv("HOME", str(picture.parent))
    web, inline = "https://x.example/a.png", "data:image/png;base64,QQ=="
    params = {
        "image_urls": ["fox.png", web, "~/b ä.jpg"],
        "elements": [{"frontal_image_url": other.as_uri(), "name": "fox.png"}],
        "video_url": inline,
        "style": "fox.png",
    }
    (job,), _ = shop.make(params=params)
    sent = fal.submits[0].json
    one, two = (f"{fal.url}/files/up/{n}" for n in ("1-fox.png", "2-b ä.jpg"))
    assert sent["image_urls"] == [one, web, two]
    assert sent["elements"] == [{"frontal_image_url": two, "name": "fox.png"}]
    assert (sent["video_url"], sent["style"]) == (inline, "fox.png")
    assert job.params["image_urls"] == [str(picture), web, str(other)]
    assert [note["field"] for note in notes(job)] == ["image_urls.0", "image_urls.2", "elements.0.frontal_image_url"]
    assert fal.count("put") == 2  # the same content once


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.unlink(), "there is no file"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("hello"), "is no picture, video or sound"),
        (instead(Path.mkdir), "is not a file"),
        (instead(os.mkfifo), "is not a file"),
        (instead(lambda path: path.symlink_to(path)), "cannot read"),
    ],
)
def test_a_file_that_cannot_be_sent_stops_everything_first(
    fal: FalServer, shop: Workshop, picture: Path, make: Any, why: str
) -> None:
    make(picture)
    with pytest.raises(BadInput, match=f"image_url: .*{why}") as caught:
        shop.send(params={"image_url": str(picture)})
    assert (caught.value.field, str(picture) in caught.value.message) == ("image_url", True)
    assert not fal.submits
    assert not shop.studio.projects().result(SECONDS)  # not even a project was made for it


def test_an_upload_that_fails_is_a_failure_that_cost_nothing(fal: FalServer, shop: Workshop, picture: Path) -> None:
    fal.script("put", Reply(503))
    (job,) = shop.send(params={"image_url": str(picture)})
    assert job.phase is Phase.FAILED
    assert job.error is not None
    assert job.error.message.startswith("image_url: fox.png could not be uploaded to fal.ai")
    assert job.error.message.endswith("nothing was sent")
    assert (fal.count("put"), len(fal.submits)) == (3, 0)


def test_a_refused_key_stops_the_batch_at_the_upload(fal: FalServer, opener: Opener, picture: Path) -> None:
    shop = opener(concurrent_submits=1)
    fal.script("initiate", Reply(401, {"detail": "no such key"}))
    one, two = shop.send("fal-ai/a", "fal-ai/b", params={"image_url": str(picture)})
    assert (one.error and one.error.kind, two.error and two.error.kind) == (ErrorKind.AUTH, ErrorKind.AUTH)
    assert (fal.count("initiate"), len(fal.submits)) == (1, 0)


def test_a_batch_uploads_once_and_so_does_generating_again(
    fal: FalServer, shop: Workshop, opener: Opener, picture: Path
) -> None:
    jobs, _ = shop.make("fal-ai/a", "fal-ai/b", params={"image_url": str(picture)})
    assert (fal.count("put"), len(fal.submits)) == (1, 2)
    request = shop.studio.organise.again(jobs[0].id)
    shop.studio.generate(request).result(SECONDS)
    picture.unlink()  # the provider still has it
    shop.studio.generate(request).result(SECONDS)
    assert (fal.count("put"), len(fal.submits)) == (1, 4)
    assert {call.json["image_url"] for call in fal.submits} == {f"{fal.url}/files/up/1-fox.png"}
    later = opener()  # another run knows it too
    later.studio.generate(request).result(SECONDS)
    assert (fal.count("put"), len(fal.submits)) == (1, 5)


def test_generating_again_uploads_anew_once_the_address_has_expired(
    fal: FalServer, shop: Workshop, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_upload, "GOOD_SECONDS", MARGIN - 1)
    (job,), _ = shop.make(params={"image_url": str(picture)})
    request = shop.studio.organise.again(job.id)
    (again,) = shop.studio.generate(request).result(SECONDS)
    assert [call.json["image_url"] for call in fal.submits] == [f"{fal.url}/files/up/{n}-fox.png" for n in (1, 2)]
    assert again.params == job.params
    picture.unlink()
    with pytest.raises(UsageError, match="there is no file"):
        shop.studio.generate(request).result(SECONDS)


def test_other_content_under_the_same_name_is_uploaded(fal: FalServer, shop: Workshop, picture: Path) -> None:
    (job,), _ = shop.make(params={"image_url": str(picture)})
    picture.write_bytes(png(9))
    shop.studio.generate(shop.studio.organise.again(job.id)).result(SECONDS)
    assert [call.body for call in fal.of("put")] == [PNG, png(9)]


def test_what_the_provider_could_not_load_is_uploaded_anew(fal: FalServer, shop: Workshop, picture: Path) -> None:
    refused = {"detail": [{"loc": ["body", "image_url"], "type": "file_download_error", "msg": "not found"}]}
    fal.script("result", Reply(422, refused), None)
    (job,), _ = shop.make(params={"image_url": str(picture)})
    assert job.phase is Phase.FAILED
    shop.until(lambda: json.loads(shop.locations.uploads_file.read_text()) == [])
    shop.studio.generate(shop.studio.organise.again(job.id)).result(SECONDS)
    assert fal.count("put") == 2


@pytest.mark.parametrize("spoiled", [b"", b"[", b"[1,{}]", b'{"a":1}', b'[{"provider":"fal","sha256":1}]'])
def test_a_spoiled_memory_of_uploads_is_no_matter(
    fal: FalServer, shop: Workshop, picture: Path, spoiled: bytes
) -> None:
    shop.locations.cache.mkdir(parents=True, exist_ok=True)
    shop.locations.uploads_file.write_bytes(spoiled)
    (job,) = shop.send(params={"image_url": str(picture)})
    assert (job.phase.following, fal.count("put")) == (True, 1)


def test_a_file_that_changes_while_it_is_uploaded_is_not_sent(fal: FalServer, shop: Workshop, picture: Path) -> None:
    def change(call: Any) -> Reply:
        picture.write_bytes(png(3, 40))
        return fal.good(call)

    fal.on["initiate"] = change
    (job,) = shop.send(params={"image_url": str(picture)})
    assert job.phase is Phase.FAILED
    assert job.error is not None
    assert "fox.png changed while it was being read" in job.error.message
    assert not fal.submits


def test_without_uploads_a_small_file_travels_in_the_request(tmp_path: Path, picture: Path) -> None:
    from tests.support.openai_server import OpenAIServer
    from tests.support.workshop import QUICK, places

    from mediatui.settings import ProviderSettings, Secret, Settings
    from mediatui.studio import inline
    from mediatui.studio.requests import GenerateRequest
    from mediatui.studio.studio import Studio

    with OpenAIServer() as server:
        options = {"base_url": f"{server.url}/v1", "models": ["gpt-image-2"]}
        provider = ProviderSettings("openai", Secret("sk-x"), options=options)
        studio = Studio(Settings(providers={"openai": provider}), places(tmp_path), QUICK)
        studio.start()
        try:
            large = picture.with_name("large.png")
            large.write_bytes(PNG + bytes(inline.MAX_INLINE_BYTES))
            request = GenerateRequest("x", ("gpt-image-2",), "demo", {"image_url": str(large)})
            with pytest.raises(BadInput, match=r"large\.png has 4\.0 MB, and this provider takes no uploads"):
                studio.generate(request).result(SECONDS)
            (job,) = studio.generate(
                GenerateRequest("x", ("gpt-image-2",), "demo", {"image_url": str(picture)})
            ).result(SECONDS)
            encoded = job.inputs["image_url"].removeprefix("data:image/png;base64,")
            assert base64.b64decode(encoded) == PNG
            assert job.params["image_url"] == str(picture)
        finally:
            studio.stop(5.0)


@pytest.mark.parametrize(("name", "most"), [("replicate", 100 << 20), ("piapi", 10 << 20), ("comfyui", 256 << 20)])
def test_a_file_that_is_too_large_for_the_provider_is_refused_before_it_is_read(
    keep: Keep, tmp_path: Path, picture: Path, name: str, most: int
) -> None:
    """A video of gigabytes does not go through memory to be refused at the end."""
    with running(name) as scene:
        shop = keep(open_with(tmp_path, scene_settings(name, scene.url, tmp_path)))
        with picture.open("r+b") as file:
            file.truncate(most + 1)
        if name == "comfyui":
            graph = {"1": {"class_type": "LoadImage", "inputs": {"image": "{{image}}"}}}
            (tmp_path / "workflows" / "portrait.json").write_text(json.dumps(graph), "utf-8")
        with pytest.raises(BadInput, match=r"has .* and .* takes .* at most"):
            shop.send(scene.model.replace("txt2img", "img2img"), prompt="", params={"image": str(picture)})
        assert scene.server is not None
        assert not scene.server.submits
