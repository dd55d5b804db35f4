"""A run was stopped between writing an answer down and recording that it is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.loopback import Call
from tests.support.scenes import PROMPT, Scene, places, running, settings_for
from tests.support.workshop import QUICK, Workshop

from mediatui.library.library import Library
from mediatui.model import Job, Phase, SaveState
from mediatui.studio.studio import Studio

SENT = Job("j1", "demo", "openai", "gpt-image-1.5", PROMPT, inputs={"prompt": PROMPT}, phase=Phase.SUBMITTING)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with running("openai-image") as found:
        yield found


def left_behind(root: Path, scene: Scene, answer: bytes | None, job: Job = SENT) -> None:
    """What a killed run leaves: the job as it was being sent, and perhaps the answer."""
    library = Library(places(root))
    project = library.create("demo")
    project.commit(jobs=[job])
    if answer is not None:
        project.write_result(job.id, answer)
    library.close()


def answer_of(scene: Scene) -> bytes:
    assert scene.server is not None
    reply = scene.server.on["submit"](Call("POST", "/", "", {}, b"", scene.server.url, 0))
    return json.dumps(reply.body).encode()


def go_on(root: Path, scene: Scene) -> Workshop:
    shop = Workshop(Studio(settings_for(scene.name, scene.url, root), places(root), QUICK), places(root))
    shop.studio.start()
    shop.studio.open_project("demo").result(20)
    return shop


def test_an_answer_that_was_written_down_is_the_result(tmp_path: Path, scene: Scene) -> None:
    left_behind(tmp_path, scene, answer_of(scene))
    shop = go_on(tmp_path, scene)
    (job,) = shop.studio.wait(["j1"]).result(20)
    assert (job.phase, job.error) == (Phase.SUCCEEDED, None)
    assert [item.save_state for item in shop.items()] == [SaveState.SAVED] * 2
    assert [shop.file(item) for item in shop.items()] == scene.files
    assert scene.submits(tmp_path) == 0
    shop.studio.stop(5)


def test_asking_again_finds_it_as_well(tmp_path: Path, scene: Scene) -> None:
    left_behind(tmp_path, scene, None, replace(SENT, phase=Phase.UNKNOWN))
    shop = go_on(tmp_path, scene)
    assert shop.studio.wait(["j1"]).result(20)[0].phase is Phase.UNKNOWN
    path = shop.project_folder() / "results" / "j1.json"
    path.parent.mkdir()
    path.write_bytes(answer_of(scene))
    shop.studio.recheck(["j1"]).result(20)
    shop.until(lambda: shop.job("j1").phase is Phase.SUCCEEDED)
    assert scene.submits(tmp_path) == 0
    shop.studio.stop(5)


def test_an_answer_that_broke_off_fails_nothing_and_sends_nothing(tmp_path: Path, scene: Scene) -> None:
    left_behind(tmp_path, scene, answer_of(scene)[:100])
    shop = go_on(tmp_path, scene)
    (job,) = shop.studio.wait(["j1"]).result(20)
    assert job.phase.ended
    assert job.error is not None
    assert "results/j1.json" in job.error.hint
    assert scene.submits(tmp_path) == 0
    shop.studio.stop(5)
