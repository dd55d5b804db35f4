"""A request that ended well at its provider and brought nothing is no success, and is asked about again."""

from __future__ import annotations

import pytest
from tests.cli.home import Home
from tests.support.fal_server import FalServer, Reply


def configure(home: Home, fal: FalServer) -> None:
    table = f'key = "a:b"\nqueue_url = "{fal.url}"\napi_url = "{fal.url}/v1"\n'
    home.configure(f"[jobs]\npoll_seconds = 0.05\n[providers.fal]\n{table}")


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"text": "no"}, "the result holds no picture, video or sound"), ({"detail": "on holiday"}, "on holiday")],
)
def test_an_answer_without_a_file_is_a_failure_with_its_words(
    home: Home, fal: FalServer, answer: dict[str, str], words: str
) -> None:
    configure(home, fal)
    fal.script("result", Reply(body=answer))
    done = home.run("generate", "a fox", "-m", "fal-ai/test", "-p", "demo")
    assert (done.code, done.out.strip()) == (1, "")
    assert words in done.err
    assert "The provider's whole answer is kept in results/" in done.err
    del fal.on["result"]
    again = home.run("jobs", "retry", "--all")
    assert (again.code, again.out.strip().endswith(".png"), fal.count("submit")) == (0, True, 1)
    assert "no failed or unknown jobs" in home.run("jobs", "retry", "--all").err


def test_an_answer_that_stays_broken_is_kept_and_the_command_ends(home: Home, fal: FalServer) -> None:
    configure(home, fal)
    fal.script("result", Reply(body=b'{"images": [{"url": "https'))
    done = home.run("generate", "a fox", "-m", "fal-ai/test", "-p", "demo")
    assert (done.code, fal.count("submit")) == (1, 1)
    (kept,) = (home.projects / "demo" / "results").iterdir()
    assert kept.read_bytes() == b'{"images": [{"url": "https'


def test_a_result_that_always_fails_is_a_failed_job(home: Home, fal: FalServer) -> None:
    configure(home, fal)
    fal.script(
        "result", Reply(504, {"detail": [{"loc": ["body"], "msg": "took too long", "type": "generation_timeout"}]})
    )
    done = home.run("generate", "a fox", "-m", "fal-ai/test", "-p", "demo")
    assert (done.code, fal.count("submit")) == (1, 1)
    assert "failed: took too long" in done.err
    fal.script("result", None)
    assert home.run("jobs", "retry", "--all").code == 0
    assert fal.count("submit") == 1


def test_what_the_provider_says_against_an_output_is_told(home: Home, fal: FalServer) -> None:
    configure(home, fal)
    answer = {"images": [{"url": f"{fal.url}/files/a.png"}], "has_nsfw_concepts": [True]}
    fal.script("result", Reply(body=answer))
    done = home.run("generate", "a fox", "-m", "fal-ai/test", "-p", "demo")
    assert done.code == 0
    assert done.err.count("the provider's filter flagged it; it may be blacked out") == 1
