"""Whatever stands in an answer, a file or a record: nothing but the error that was promised comes out."""

from __future__ import annotations

import asyncio
import json
import tempfile
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import fal_server, loopback
from tests.support.fal_server import FalServer
from tests.support.provider_jobs import BODIES, DOCUMENTS, check_outputs, make_job
from tests.support.scenes import SCENES, Scene, running, settings_for

from mediatui.archive.import_plan import plan_import
from mediatui.config_file import load_settings
from mediatui.errors import MediatuiError, ProviderError
from mediatui.library.library import Library
from mediatui.library.reconcile import reconcile
from mediatui.locations import Locations
from mediatui.media.probe import sniff
from mediatui.model import Phase
from mediatui.providers.base import Provider
from mediatui.providers.registry import make_provider
from mediatui.sandbox.requests import RequestStore
from mediatui.sandbox.server import SandboxServer
from mediatui.studio.known_models import known_models
from mediatui.studio.offers import Offers
from mediatui.studio.spill import Spill
from mediatui.studio.templates import Templates
from mediatui.studio.uploads import UploadBook
from mediatui.tui.memory import load_memory

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
STATUSES = st.sampled_from([200, 200, 200, 201, 202, 204, 400, 401, 402, 404, 409, 422, 429, 500, 503, 504])
KINDS = st.sampled_from(["application/json", "text/html", "", "image/png", "application/json; charset=utf-9"])
DEEP = b"[" * 100_000
WORDS = """
id name items jobs project path file prompt params version format draft places models values choices time provider
sha256 size until url text type save_state storage_error error phase created_at tags rating file_size kind
"""
NAMES = st.sampled_from(WORDS.split())
RECORDS = st.recursive(
    DOCUMENTS | st.sampled_from(["images/a.png", "../x", "saved", "CON", "\x1b[31m", 1e308, -1]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=8) | st.lists(inner, max_size=3),
    max_leaves=20,
)
FILES = RECORDS.map(lambda value: json.dumps(value).encode()) | BODIES | st.just(DEEP) | st.just(b'{"a":' * 50_000)


# -- what providers answer


@contextmanager
def provider_of(scene: Scene, root: Path) -> Iterator[Provider]:
    (chosen,) = settings_for(scene.name, scene.url, root).providers.values()
    yield make_provider(chosen)


def answer_everything(scene: Scene, status: int, body: bytes, kind: str) -> None:
    """Every step of the service says this."""
    headers = {"Content-Type": kind, "Retry-After": "0"}
    assert scene.server is not None
    steps = {*scene.steps, "history", "list", "catalogue", "models", "model", "version", "search", "collection"}
    for step in steps | {"submit", "poll", "status", "result", "cancel", "queue", "info", "deployment", "upload"}:
        if isinstance(scene.server, FalServer):
            scene.server.on[step] = lambda call: fal_server.Reply(status, body, dict(headers))
        else:
            scene.server.on[step] = lambda call: loopback.Reply(status, body, dict(headers))


@pytest.mark.parametrize("name", [name for name in SCENES if name != "sandbox"])
def test_no_answer_makes_a_provider_raise_anything_else(name: str, tmp_path: Path) -> None:
    with running(name) as scene, asyncio.Runner() as runner, provider_of(scene, tmp_path) as provider:

        async def quietly(call: Callable[[], Awaitable[Any]]) -> Any:
            with suppress(ProviderError):
                return await call()
            return None

        async def ask(status: int, body: bytes, kind: str) -> None:
            answer_everything(scene, status, body, kind)
            job = make_job(provider.name, scene.model, {"prompt": "a fox"})
            sent = await quietly(lambda: provider.submit(job))
            known = replace(job, remote_id=(sent.remote_id if sent else "r1") or "r1", phase=Phase.RUNNING)
            await quietly(lambda: provider.poll(known))
            await quietly(lambda: provider.result(known))
            await quietly(lambda: provider.cancel(known))
            await quietly(lambda: provider.reconcile(replace(job, submitted_at=1.8e9)))
            await quietly(lambda: provider.models("fox"))
            await quietly(lambda: provider.schema(scene.model))
            with suppress(ProviderError):
                check_outputs(provider.outputs(known, body))

        @FEW
        @given(STATUSES, BODIES, KINDS)
        def fuzz(status: int, body: bytes, kind: str) -> None:
            runner.run(ask(status, body, kind))

        fuzz()
        runner.run(provider.aclose())


# -- what the sandbox is asked


async def test_no_request_breaks_the_sandbox(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path)
    await server.start()
    models = ["sandbox/text-to-image", "sandbox/text-to-video/fast", "sandbox/image-to-video", "sandbox/none", "../x"]
    fields = st.sampled_from(["duration", "seed", "num_images", "image_size", "fps", "image_url", "sandbox_fault", "q"])
    bodies = st.dictionaries(fields, DOCUMENTS, min_size=1, max_size=4).map(lambda d: json.dumps(d).encode()) | BODIES
    loop = asyncio.get_running_loop()

    async def ask(client: httpx.AsyncClient, model: str, path: str, body: bytes) -> None:
        headers = {"Authorization": f"Key {server.key}", "Content-Type": "application/json"}
        answer = await client.post(f"{server.base_url}/{path}{model}", content=body, headers=headers)
        assert answer.status_code < 500 or answer.status_code in (503, 504), (answer.text, body)

    def fuzz_all(client: httpx.AsyncClient) -> None:
        @SOME
        @given(st.sampled_from(models), st.sampled_from(["", "v1/", "storage/upload/", "run/none/"]), bodies)
        def fuzz(model: str, path: str, body: bytes) -> None:
            asyncio.run_coroutine_threadsafe(ask(client, model, path, body), loop).result(30)

        fuzz()

    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        await asyncio.to_thread(fuzz_all, client)
    await server.stop()


@SOME
@given(FILES)
def test_no_record_of_a_request_stops_the_sandbox(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = RequestStore(Path(folder))
        name = "00000000-0000-0000-0000-000000000000"
        (Path(folder) / "requests" / f"{name}.json").write_bytes(body)
        store.load(name)
        list(store.all())
        store.close()


# -- what lies on the disk


@SOME
@given(FILES)
def test_no_sidecar_and_no_generation_stops_a_project(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project = root / "projects" / "demo"
        (project / "images").mkdir(parents=True)
        (project / "images" / "a.png").write_bytes(loopback.PNG)
        (project / "images" / "a.png.json").write_bytes(body)
        (project / "index.jsonl.1").write_bytes(body + b"\n")
        library = Library(Locations(root, root / "c.toml", root / "state", root / "cache"))
        with suppress(MediatuiError):
            found = library.open("demo")
            reconcile(found)
            assert found.path_of("images/a.png").is_file()
            found.items()
            found.jobs()
        library.summaries()
        library.close()


@SOME
@given(FILES, st.booleans(), st.sampled_from(["manifest.json", "images/a.png.json", "demo/manifest.json"]))
def test_no_archive_breaks_an_import(body: bytes, folder: bool, name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        files = {name: body, "images/a.png": loopback.PNG, "demo/images/b.png": loopback.PNG}
        source = root / "source" if folder else root / "source.zip"
        if folder:
            for each, data in {**files, "index.jsonl": body}.items():
                (source / each).parent.mkdir(parents=True, exist_ok=True)
                (source / each).write_bytes(data)
        else:
            with zipfile.ZipFile(source, "w") as archive:
                for each, data in files.items():
                    archive.writestr(each, data)
        with suppress(MediatuiError):
            plan = plan_import(source, sniff, root / "data", 1 << 30)
            json.dumps([str(each) for each in (plan.name, *plan.refused)])


@SOME
@given(FILES)
def test_no_state_file_stops_a_start(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "interface.json").write_bytes(body)
        memory = load_memory(root)
        assert isinstance(memory.draft.prompt, str)
        memory.place("demo")
        book = UploadBook(root / "interface.json")
        book.find("fal", "x")
        book.find_path("fal", root)
        offers = Offers(root / "offers")
        offers.keep("fal", "", [])
        for path in (root / "offers").iterdir():
            path.write_bytes(body)
        offers.find("fal", "fox")
        offers.find_model("fal", "fox")
        for path in root.rglob("*"):
            if path.is_file():
                path.write_bytes(body)
        known_models(root)
        (root / "spill").mkdir()
        (root / "spill" / "demo.jsonl").write_bytes(body)
        spill = Spill(root / "spill")
        assert spill.projects() == (("demo",) if body else ())
        spill.read("demo")
        (root / "templates").mkdir()
        (root / "templates" / "a.toml").write_bytes(body)
        Templates(root / "templates").all()


TABLES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["fal", "1 GB"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
ROWS = """
default_project poll_seconds save_policy max_file_bytes keep_unsaved theme keys provider providers interface retry
media_hosts active_provider submits_at_once strange
"""
SETTINGS = st.sampled_from(ROWS.split())
PROVIDERS = st.sampled_from(["key", "key_command", "kind", "queue_url", "media_hosts", "base_url", "extra", "models"])


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value).replace("\\ud", "\\\\ud").replace("\x7f", "")
    return repr(value)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(SETTINGS, TABLES, max_size=4),
    st.dictionaries(PROVIDERS, TABLES, max_size=4),
    st.sampled_from(["fal", "openai", "google", "comfyui", "mine", "a b"]),
    st.binary(max_size=6),
)
def test_no_settings_raise_anything_else(
    values: dict[str, Any], provider: dict[str, Any], name: str, noise: bytes
) -> None:
    lines = [f"{key} = {toml(value)}" for key, value in values.items()]
    lines += [f"[providers.{json.dumps(name)}]", *(f"{key} = {toml(value)}" for key, value in provider.items())]
    for body in ("\n".join(lines).encode(), "\n".join(lines).encode() + noise, noise, b"x = " + DEEP):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "config.toml"
            path.write_bytes(body)
            path.chmod(0o600)
            with suppress(MediatuiError):
                loaded = load_settings(path)
                if "key_command" not in provider:
                    for each in loaded.providers.values():
                        with suppress(MediatuiError):
                            make_provider(each)
