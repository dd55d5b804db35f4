"""Third-party providers: the guide's example as an installed package, and every way in which one can be wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.easel_server import EaselServer
from tests.support.loopback import PNG, Reply
from tests.support.provider_jobs import make_job, refused

from mediatui.errors import ErrorKind, MediatuiError, UsageError
from mediatui.locations import Locations
from mediatui.model import Phase
from mediatui.providers.base import Capability
from mediatui.providers.plugins import GROUP, PROTOCOL, installed_plugins, load_plugin
from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio

GUIDE = Path(__file__).parents[2] / "docs" / "providers.md"
JOB = make_job("easel", "oil")
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package with an entry point where Python looks for packages."""

    def put(source: str, *, name: str = "easel", module: str = "mediatui_easel", value: str = "make") -> None:
        site = tmp_path / module
        info = site / f"{module}-2.1.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {module}:{value}\n")
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return put


def example() -> str:
    """The example as the guide prints it."""
    found = re.search(r"<!-- example: mediatui_easel.py -->\n```python\n(.*?)```", GUIDE.read_text("utf-8"), re.S)
    assert found is not None
    return found[1]


def settings_for(url: str = "http://127.0.0.1:9") -> ProviderSettings:
    return ProviderSettings("easel", key=Secret("s3cret"), options={"base_url": url})


async def test_the_example_of_the_guide_makes_a_picture(install: Install) -> None:
    install(example())
    with EaselServer() as server:
        provider = load_plugin(settings_for(server.url))
        assert (provider.name, provider.title) == ("easel", "The Easel")
        assert [m.id for m in await provider.models("oil")] == ["oil"]
        form = await provider.schema("oil")
        assert form is not None
        assert form.prompt_field == "prompt"
        sent = await provider.submit(JOB)
        assert sent.phase is Phase.SUCCEEDED
        assert [o.data for o in provider.outputs(JOB, sent.raw or b"")] == [PNG]
        with refused(ErrorKind.INTERNAL):
            provider.outputs(JOB, b"[]")
        with refused(ErrorKind.EXPIRED):
            await provider.result(JOB)
        assert server.submits[0].headers["authorization"] == "Bearer s3cret"
        server.script("submit", Reply(drop=True))
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await provider.submit(JOB)
        assert len(server.submits) == 2
        await provider.aclose()


def test_the_example_is_about_sixty_lines() -> None:
    assert 50 <= len([line for line in example().splitlines() if line.strip()]) <= 64


def test_looking_for_plugins_imports_none_of_them(install: Install) -> None:
    install("raise SystemExit('imported')")
    assert list(installed_plugins()) == ["easel"]


BROKEN: list[tuple[str, str]] = [
    ("import nowhere_to_be_found", "ModuleNotFoundError"),
    ("raise SystemExit(3)", "SystemExit"),
    ("def make(settings): pass", f"mediatui_protocol = {PROTOCOL}"),
    (f"def make(settings): pass\nmake.mediatui_protocol = {PROTOCOL + 1}", f"not {PROTOCOL}"),
    ("make = 3", "not a function"),
    ("other = 3", "AttributeError"),
    ("def make(s): raise ValueError('bad key ' + s.key.reveal())\nmake.mediatui_protocol = 1", "bad key ••••"),
    ("class P: name = 'easel'\ndef make(s): return P()\nmake.mediatui_protocol = 1", "has no title"),
    (
        "import mediatui.errors as e\ndef make(s): raise e.UsageError('no base_url')\nmake.mediatui_protocol = 1",
        "no base_url",
    ),
]


@pytest.mark.parametrize(("source", "words"), BROKEN)
def test_a_plugin_that_cannot_be_used_is_named_with_its_package(install: Install, source: str, words: str) -> None:
    install(source)
    with pytest.raises(MediatuiError) as caught:
        load_plugin(settings_for())
    assert "mediatui-easel 2.1" in caught.value.message
    assert words in caught.value.message
    assert "s3cret" not in caught.value.message


def test_a_newer_protocol_asks_for_a_newer_mediatui(install: Install) -> None:
    install(f"def make(settings): pass\nmake.mediatui_protocol = {PROTOCOL + 1}")
    with pytest.raises(UsageError) as caught:
        load_plugin(settings_for())
    assert caught.value.hint == "Update mediatui."


def test_a_provider_with_another_name_is_refused(install: Install) -> None:
    install(example().replace('"easel", "The Easel"', '"fal", "The Easel"'))
    with pytest.raises(UsageError, match="calls itself 'fal'"):
        load_plugin(settings_for())


def test_two_packages_for_one_name_are_both_named(install: Install) -> None:
    install(example())
    install(example(), module="mediatui_other")
    with pytest.raises(UsageError) as caught:
        load_plugin(settings_for())
    assert "mediatui-easel 2.1 and by mediatui-other 2.1" in caught.value.message


def test_a_name_nobody_provides_is_said() -> None:
    with pytest.raises(UsageError, match="no provider named 'easel'"):
        load_plugin(settings_for())


FAULTY = """
    capabilities = ["queue", 3]
    async def models(self, query="", limit=200): return 3
    async def schema(self, model): return "form"
    async def submit(self, job): raise {fault}
    async def poll(self, job): raise RuntimeError("poll " + self._key.reveal())
    async def result(self, job): return "text"
    def outputs(self, job, raw): return [1]
    def download_headers(self, url): return 3
    async def aclose(self): raise OSError("gone")

def make("""


def faulty(fault: str) -> str:
    return example().replace("\ndef make(", FAULTY.replace("{fault}", fault), 1)


async def test_a_submit_that_breaks_may_have_been_sent(install: Install) -> None:
    install(faulty("RuntimeError('after sending with ' + self._key.reveal())"))
    provider = load_plugin(settings_for())
    with refused(ErrorKind.AMBIGUOUS_SUBMIT) as found:
        await provider.submit(JOB)
    assert "mediatui-easel 2.1" in found[0].message
    assert "s3cret" not in found[0].message


async def test_an_answer_to_a_submit_that_is_none_may_have_been_sent(install: Install) -> None:
    install(faulty("x").replace("raise x", "return None"))
    with refused(ErrorKind.AMBIGUOUS_SUBMIT):
        await load_plugin(settings_for()).submit(JOB)


async def test_nothing_but_a_provider_error_comes_out(install: Install) -> None:
    install(faulty("ValueError('x')"))
    provider = load_plugin(settings_for())
    calls: list[Callable[[], Any]] = [
        provider.models,
        lambda: provider.schema("oil"),
        lambda: provider.poll(JOB),
    ]
    for call in calls:
        with refused(ErrorKind.INTERNAL) as found:
            await call()
        assert "mediatui-easel 2.1" in found[0].message
        assert "s3cret" not in found[0].message
    with refused(ErrorKind.INTERNAL):
        provider.outputs(JOB, b"{}")
    with refused(ErrorKind.INTERNAL):
        provider.download_headers("https://example.com")
    assert provider.capabilities == frozenset()
    await provider.aclose()


UPLOADING = """
    capabilities = [Capability.UPLOAD, Capability.PRICE]
    async def upload(self, name, content_type, data): return {answer}
    async def estimate(self, model, inputs): return {answer}

def make("""


def with_members(members: str) -> str:
    source = example().replace("import base64\n", "import base64\nfrom mediatui.providers.base import Capability\n", 1)
    return source.replace("\ndef make(", members, 1)


async def test_what_a_plugin_lacks_is_not_offered(install: Install) -> None:
    install(with_members("    capabilities = [Capability.UPLOAD, Capability.PRICE]\n\ndef make("))
    provider: Any = load_plugin(settings_for())
    assert provider.capabilities == frozenset({Capability.PRICE})
    assert await provider.estimate("oil", {}) is None


async def test_uploads_and_estimates_pass_the_fence(install: Install) -> None:
    install(with_members(UPLOADING.replace("{answer}", "3")))
    provider: Any = load_plugin(settings_for())
    assert Capability.UPLOAD in provider.capabilities
    with refused(ErrorKind.INTERNAL):
        await provider.upload("a", "image/png", b"x")
    with refused(ErrorKind.INTERNAL):
        await provider.estimate("oil", {})


def test_the_guide_says_the_version_of_the_code() -> None:
    assert f"mediatui_protocol = {PROTOCOL}" in GUIDE.read_text("utf-8")


def test_an_installed_wheel_is_found(tmp_path: Path) -> None:
    """The entry point of a real package directory, in a process of its own."""
    info = tmp_path / "easel-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: easel\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\neasel = easel_module:make\n")
    (tmp_path / "easel_module.py").write_text(example())
    code = "from mediatui.providers.plugins import *; from mediatui.settings import *; "
    code += "print(load_plugin(ProviderSettings('easel', options={'base_url': 'x'})).title)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "The Easel\n"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio whose only provider is the plug-in."""
    places = Locations(tmp_path / "data", tmp_path / "config.toml", tmp_path / "state", tmp_path / "cache")
    found = Studio(Settings(providers={"easel": settings_for()}), places)
    found.start()
    yield found
    found.stop(2.0)


def test_only_what_a_provider_can_do_is_asked_of_it(install: Install, studio: Studio, tmp_path: Path) -> None:
    source = example()
    assert "Capability.CATALOGUE, Capability.SCHEMA" in source
    install(source.replace("Capability.CATALOGUE, Capability.SCHEMA", ""))
    assert studio.capabilities("easel").result(20) == frozenset()
    assert studio.models("").result(20) == ()
    with pytest.raises(UsageError, match="The Easel offers no list of its models"):
        studio.models("", "easel").result(20)
    assert studio.schema("oil").result(20) is None
    assert studio.estimate(GenerateRequest("x", ("oil",), "demo")).result(20).text == "price unknown"
    large = tmp_path / "large.png"
    large.write_bytes(PNG + bytes(20 << 20))
    with pytest.raises(UsageError, match=r"large\.png"):
        studio.check(GenerateRequest("x", ("oil",), "demo", {"image_url": str(large)})).result(20)


def test_what_it_can_do_is_asked_of_it(install: Install, studio: Studio) -> None:
    install(example())
    assert [model.id for model in studio.models("", "easel").result(20)] == ["oil"]
    assert studio.schema("oil").result(20) is not None
