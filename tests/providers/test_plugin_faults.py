"""A plug-in that keeps none of its promises: every generation ends in a true state, and nothing else is affected."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.providers.test_plugins import example, settings_for
from tests.support.loopback import PNG
from tests.support.provider_jobs import HOSTILE, check_outputs

from mediatui.errors import ErrorKind, ProviderError
from mediatui.locations import Locations
from mediatui.model import Job, MediaItem, MediaType, Phase, SaveState
from mediatui.providers import plugin_values, plugins
from mediatui.providers.base import (
    Capability,
    Delivery,
    Field,
    FieldKind,
    FormSchema,
    ModelInfo,
    Output,
    Progress,
    Submitted,
)
from mediatui.providers.plugins import GROUP, PluginProvider, load_plugin
from mediatui.settings import Settings
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio

SECONDS = 20.0
Make = Callable[[str], tuple[Job, list[MediaItem]]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Install the guide's example with some members replaced."""

    def put(members: str) -> None:
        info = tmp_path / "site" / "mediatui_easel-2.1.dist-info"
        info.mkdir(parents=True)
        source = example().replace("\ndef make(", f"\n{members}\n\ndef make(", 1)
        (tmp_path / "site" / "mediatui_easel.py").write_text(source)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mediatui-easel\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\neasel = mediatui_easel:make\n")
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        monkeypatch.delitem(sys.modules, "mediatui_easel", raising=False)

    return put


@contextmanager
def studio_in(root: Path) -> Iterator[Studio]:
    places = Locations(root / "data", root / "config.toml", root / "state", root / "cache")
    studio = Studio(Settings(poll_seconds=0.05, providers={"easel": settings_for()}), places)
    studio.start()
    try:
        yield studio
    finally:
        studio.stop(2.0)


@pytest.fixture
def make(tmp_path: Path, install: Callable[[str], None]) -> Make:
    def made(members: str) -> tuple[Job, list[MediaItem]]:
        install(members)
        with studio_in(tmp_path) as studio:
            (job,) = studio.generate(GenerateRequest("a fox", ("oil",), "demo")).result(SECONDS)
            (ended,) = studio.wait([job.id]).result(SECONDS)
            return ended, list(studio.items("demo"))

    return made


def member(name: str, body: str) -> str:
    return f"    async def {name}(self, job): {body}"


@pytest.mark.parametrize(
    "raised",
    ["SystemExit(3)", "KeyboardInterrupt()", "__import__('asyncio').CancelledError()", "GeneratorExit()", "OSError()"],
)
def test_a_submit_that_ends_in_anything_may_have_been_sent(make: Make, raised: str) -> None:
    job, items = make(member("submit", f"raise {raised}"))
    assert (job.phase, items) == (Phase.UNKNOWN, [])
    assert job.error is not None
    assert job.error.kind is ErrorKind.AMBIGUOUS_SUBMIT


@pytest.mark.parametrize("raised", ["SystemExit(3)", "KeyboardInterrupt()", "__import__('asyncio').CancelledError()"])
def test_a_poll_that_ends_in_anything_stops_nothing_but_the_following(make: Make, raised: str) -> None:
    job, _ = make(member("submit", "return Submitted('a')") + "\n" + member("poll", f"raise {raised}"))
    assert job.phase is Phase.QUEUED
    assert job.error is not None
    assert "mediatui-easel 2.1 failed" in job.error.message


def test_a_studio_goes_on_after_outputs_that_end_the_program(make: Make) -> None:
    ready = member("submit", "return Submitted('a', phase=Phase.SUCCEEDED, raw=b'{}')")
    job, items = make(f"{ready}\n    def outputs(self, job, raw): raise SystemExit(3)")
    assert (job.phase, items) == (Phase.SUCCEEDED, [])
    assert job.error is not None
    assert "SystemExit" in job.error.message


def test_headers_that_cannot_be_had_leave_the_item_unsaved_with_the_reason(make: Make) -> None:
    ready = member("submit", "return Submitted('a', phase=Phase.SUCCEEDED, raw=b'{}')")
    output = "Output(0, 'p', 'image', MediaType.IMAGE, Delivery.PROVIDER_URL, url='https://easel.test/a.png')"
    job, (item,) = make(
        f"{ready}\n    def outputs(self, job, raw): return [{output}]\n"
        "    def download_headers(self, url): raise ValueError('no key today')"
    )
    assert (job.phase, item.save_state) == (Phase.SUCCEEDED, SaveState.UNSAVED)
    assert item.storage_error is not None
    assert "mediatui-easel 2.1 failed" in item.storage_error.message


def test_two_outputs_of_one_number_are_two_files(make: Make) -> None:
    ready = member("submit", "return Submitted('a', phase=Phase.SUCCEEDED, raw=b'{}')")
    one = "Output(0, 'p', 'image', MediaType.IMAGE, Delivery.INLINE, data=DATA)"
    data = base64.b64encode(PNG).decode()
    body = f"    def outputs(self, job, raw): return [{one}, {one}]".replace("DATA", f"base64.b64decode('{data}')")
    job, items = make(f"{ready}\n{body}")
    assert job.error is None
    assert [item.save_state for item in items] == [SaveState.SAVED] * 2


def test_a_success_without_an_answer_is_asked_for_it(make: Make) -> None:
    answer = "return b'{}'"
    job, _ = make(member("submit", "return Submitted('a', phase=Phase.SUCCEEDED)") + "\n" + member("result", answer))
    assert job.result_path is not None


async def test_our_own_cancelling_is_no_fault_of_the_plugin(install: Callable[[str], None]) -> None:
    install(member("poll", "await __import__('asyncio').Event().wait()"))
    provider = load_plugin(settings_for())
    task = asyncio.create_task(_ask(provider))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await provider.aclose()


BLOCKING = """
    began, go = threading.Event(), threading.Event()
    async def poll(self, job):
        self.began.set()
        return Progress(Phase.RUNNING if self.go.wait(5) else Phase.FAILED)
"""


async def test_a_plugin_that_blocks_holds_up_nobody_else(install: Callable[[str], None]) -> None:
    install(BLOCKING.replace("threading", "__import__('threading')"))
    provider = load_plugin(settings_for())
    asked = asyncio.create_task(provider.poll(JOB))
    easel = sys.modules["mediatui_easel"].Easel
    assert await asyncio.to_thread(easel.began.wait, SECONDS)
    easel.go.set()
    assert (await asked).phase is Phase.RUNNING
    await provider.aclose()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("poll", ErrorKind.INTERNAL), ("result", ErrorKind.TRANSIENT), ("submit", ErrorKind.AMBIGUOUS_SUBMIT)],
)
async def test_a_plugin_that_never_answers_is_given_up(
    install: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, name: str, kind: ErrorKind
) -> None:
    monkeypatch.setattr(plugins, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(plugins, "WORK_SECONDS", 0.01)
    install(member(name, "await __import__('asyncio').Event().wait()"))
    provider = load_plugin(settings_for())
    with pytest.raises(ProviderError, match=r"no answer within 0\.01 seconds") as caught:
        await getattr(provider, name)(JOB)
    assert caught.value.kind is kind
    await provider.aclose()


@pytest.mark.parametrize("answer", ["'{}'", "{'a': 1}", "bytearray(b'[]')"])
async def test_an_answer_of_another_type_is_kept(install: Callable[[str], None], answer: str) -> None:
    install(member("result", f"return {answer}"))
    provider = load_plugin(settings_for())
    assert json.loads(await provider.result(JOB)) in ({}, {"a": 1}, [])
    await provider.aclose()


@pytest.mark.parametrize("fault", ["raise OSError('gone')", "return None", "return {1: object()}"])
def test_a_result_that_a_plugin_stumbles_over_fails_no_job(make: Make, fault: str) -> None:
    stumbling = f"    asked = 0\n{member('result', '')}\n        self.asked += 1\n        if self.asked == 1: {fault}"
    job, _ = make(member("submit", "return Submitted('a')") + f"\n{stumbling}\n        return b'{{}}'")
    assert (job.phase, job.result_path is not None) == (Phase.SUCCEEDED, True)


@pytest.mark.parametrize(
    ("estimate", "amount"),
    [("Estimate('3', None)", 3.0), ("Estimate(0.1, 'USD')", 0.1), ("Estimate(-5, 'USD')", None), ("3", None)],
)
async def test_a_price_can_be_added_up_or_is_none(
    install: Callable[[str], None], estimate: str, amount: float | None
) -> None:
    given = f"    async def estimate(self, model, inputs): return {estimate}"
    install(given.replace("Estimate", "__import__('mediatui.providers.base', fromlist=['x']).Estimate"))
    provider: Any = load_plugin(settings_for())
    try:
        assert (await provider.estimate("oil", {})).amount == amount
    except ProviderError:
        assert amount is None
    await provider.aclose()


FORGETFUL = """
    async def poll(self, job):
        import asyncio, gc
        async def fails(): raise RuntimeError("boom")
        asyncio.ensure_future(fails())
        for _ in range(3): await asyncio.sleep(0)
        gc.collect()
        return Progress(Phase.RUNNING)
"""


async def test_what_a_plugin_forgot_reaches_no_terminal(
    install: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    install(FORGETFUL)
    provider = load_plugin(settings_for())
    assert (await provider.poll(JOB)).phase is Phase.RUNNING
    await provider.aclose()
    assert caplog.records == []


JOB = Job(id="j", project="p", provider="easel", model="oil", prompt="")


async def _ask(provider: Any) -> None:
    await provider.poll(JOB)


# -- values

ODD: list[Any] = [
    None,
    3,
    -1,
    float("nan"),
    10**400,
    "x",
    HOSTILE,
    b"x",
    [],
    {},
    object(),
    True,
    ["x"],
    {"a": object()},
]
ANY = st.sampled_from([*ODD, *Phase, *MediaType, *Delivery, ProviderError(ErrorKind.AUTH, "no"), "running", "image"])


@settings(max_examples=150, deadline=None)
@given(given_id=ANY, urls=ANY, phase=ANY, position=ANY, raw=ANY, error=ANY)
def test_any_handle_is_one_or_none(given_id: Any, urls: Any, phase: Any, position: Any, raw: Any, error: Any) -> None:
    found = plugin_values.submitted(Submitted(given_id, urls, phase, position, raw, error), "easel 1")
    if found is None:
        return
    assert found.remote_id
    assert all(isinstance(text, str) for pair in found.urls.items() for text in pair)
    assert found.phase.ended or found.phase.following
    assert found.raw is not None or found.phase is not Phase.SUCCEEDED
    assert found.error is not None or found.phase is not Phase.FAILED


@settings(max_examples=150, deadline=None)
@given(phase=ANY, position=ANY, fraction=ANY, logs=ANY, error=ANY, pause=ANY)
def test_any_progress_is_one(phase: Any, position: Any, fraction: Any, logs: Any, error: Any, pause: Any) -> None:
    found = plugin_values.progress(Progress(phase, position, fraction, logs, error, pause), "easel 1")
    assert found.phase.ended or found.phase.following
    assert found.fraction is None or 0 <= found.fraction <= 1
    assert found.retry_after is None or found.retry_after > 0
    assert all(isinstance(line, str) for line in found.logs)


@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.tuples(*[ANY] * 10), max_size=3))
def test_any_outputs_are_outputs(values: list[tuple[Any, ...]]) -> None:
    made = [
        Output(a, b, c, d, e, url=f, data=g, seed=h, duration=i, meta=j, file_name=b, size=i)
        for a, b, c, d, e, f, g, h, i, j in values
    ]
    found = plugin_values.outputs(made)
    assert len({output.index for output in found}) == len(made)
    sourced = [output for output in found if (output.url is None) != (output.data is None)]
    check_outputs([Output(n, o.path, o.role, o.type, o.delivery, data=b"") for n, o in enumerate(sourced)])


def test_good_values_pass_as_they_are() -> None:
    output = Output(4, "a.0", "image", MediaType.IMAGE, Delivery.URL, url="https://x.y/a", seed=1, meta={"a": [1]})
    assert plugin_values.outputs([output]) == [output]
    handle = Submitted("a", {"get": "https://x.y"}, Phase.RUNNING, 3)
    assert plugin_values.submitted(handle, "e") == handle
    going = Progress(Phase.RUNNING, 1, 0.5, ("a",), None, 2.0)
    assert plugin_values.progress(going, "e") == going
    model = ModelInfo("a", "A", "text-to-image", "easel")
    assert plugin_values.model(model) == model
    error = ProviderError(ErrorKind.RATE_LIMITED, "slow", retry_after=2.0)
    assert plugin_values.sound(error) is error


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({"X-Key": "abc"}, True),
        ({}, True),
        ({"X-Key": "a\r\nEvil: 1"}, False),
        ({"X Key": "a"}, False),
        ({"X-Key": "é"}, False),
        ({"X-Key": 3}, False),
        ([("X-Key", "a")], False),
    ],
)
def test_headers_bring_no_other_line_into_a_request(headers: Any, good: bool) -> None:
    assert plugin_values.are_headers(headers) is good


async def test_a_catalogue_and_a_form_that_make_no_sense_do_not_come_through() -> None:
    class Odd:
        name, title, capabilities = "odd", "Odd", frozenset({Capability.CATALOGUE})

        async def models(self, query: str, limit: int) -> list[Any]:
            odd: Any = ModelInfo
            return [odd(None, 3, 4, 5), odd("a", None, None, "odd", description=7), 3]

        async def schema(self, model: str) -> Any:
            kinds: Any = FieldKind.TEXT if model == "good" else "text"
            return FormSchema(model, (Field("prompt", "Prompt", kinds),))

    odd: Any = Odd()
    provider = PluginProvider(odd, "odd 1")
    assert [(model.id, model.name, model.description) for model in await provider.models()] == [("a", "a", "")]
    assert await provider.schema("good") is not None
    with pytest.raises(ProviderError, match="no form"):
        await provider.schema("bad")
