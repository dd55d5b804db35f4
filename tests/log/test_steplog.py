"""The step log: what it says, what it must not say, and that writing it disturbs nothing."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.waiting import spin_until

from mediatui.errors import ErrorKind, ProviderError
from mediatui.keys import Secret
from mediatui.model import Job, MediaItem, MediaType
from mediatui.steplog import Step, StepName, Steps, Tail, read, read_steps
from mediatui.steplog import write as writing
from mediatui.steplog.clean import PROMPT_CHARS, clean_detail, to_line
from mediatui.steplog.step import aside

PROMPT = "a lighthouse at dusk, " * 20
JOB = Job(id="aaaabbbbccccdddd", project="demo", provider="fal", model="fal-ai/flux", prompt=PROMPT)
ITEM = MediaItem(
    id="aaaabbbbccccdddd-0",
    project="demo",
    name="x",
    type=MediaType.IMAGE,
    provider="fal",
    model="fal-ai/flux",
    job=JOB.id,
    prompt=PROMPT,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "log.jsonl"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_step_says_whose_it_is_how_it_went_and_how_long_it_took(path: Path) -> None:
    steps = Steps(path)
    with steps.step(StepName.SAVE, ITEM) as step:
        step.outcome, step.bytes, step.attempt = "saved", 1234, 2
    steps.note(StepName.POLL, JOB, outcome="running", attempt=3)
    steps.close()
    saved, polled = lines(path)
    assert saved.pop("milliseconds") is not None
    assert {k: v for k, v in saved.items() if k != "time"} == {
        "step": "save",
        "outcome": "saved",
        "project": "demo",
        "job": JOB.id,
        "item": ITEM.id,
        "provider": "fal",
        "model": "fal-ai/flux",
        "bytes": 1234,
        "attempt": 2,
    }
    assert (polled["step"], polled["outcome"], polled["attempt"]) == ("poll", "running", 3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_step_that_fails_is_logged_and_its_failure_goes_on(path: Path) -> None:
    steps = Steps(path)
    with pytest.raises(ProviderError), steps.step(StepName.SUBMIT, JOB):
        raise ProviderError(ErrorKind.AUTH, "no")
    with pytest.raises(KeyboardInterrupt), steps.step(StepName.SAVE, ITEM):
        raise KeyboardInterrupt
    steps.close()
    assert [(line["outcome"], line["detail"]) for line in lines(path)] == [
        ("failed", "auth: no"),
        ("stopped", "KeyboardInterrupt"),
    ]


# -- what must not be in it


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://v3.fal.media/files/a/b.mp4?X-Amz-Signature=abc123def456#t", "v3.fal.media/files/a/b.mp4"),
        ("see https://user:hunter2222@h.org/p?k=v, then", "see h.org/p then"),
        ("gs://bucket/o.png?GoogleAccessId=me", "bucket/o.png"),
        ("data:image/png;base64,iVBORw0KGgoAAAANS", "data:…"),
        ("GET /v1/files/a?alt=media&n=qwertzui failed", "GET /v1/files/a failed"),
        ("h.org/a?X-Goog-Signature=qwertzui12345", "h.org/a"),
        ("https:\\/\\/h.org\\/a?n=qwertzui12345 gone", "https:\\/\\/h.org\\/a gone"),
        ("https://h.org/(a)?n=qwertzui12345", "h.org/(a)"),
        ("next=https%3A%2F%2Fh.org%2Fa%3Fn%3Dqwertzui12345 gone", "next=https%3A%2F%2Fh.org%2Fa gone"),
        ("is it a cat? no", "is it a cat? no"),
        ("the key: prompt-of-the-request", "the key: prompt-of-the-request"),
        ("Authorization: Key qwertzui-12345", "Authorization: ••••"),
        ("Bearer qwertzui.12345", "Bearer ••••"),
        ("api_key=qwertzui12345", "api_key=••••"),
        ("\x1b]52;c;ZXZpbA==\x07red\nnext\u202e", "]52;c;ZXZpbA==red next"),
    ],
)
def test_a_detail_is_harmless(said: str, kept: str) -> None:
    assert clean_detail(said, "") == kept


def test_a_key_that_looks_like_nothing_is_hidden_too() -> None:
    Secret("plain words as a key")
    assert "plain words" not in clean_detail("sent plain words as a key to it", "")


def test_hardly_any_of_the_prompt_is_kept_wherever_it_is_repeated(path: Path) -> None:
    prompt = "".join(f"word{n} " for n in range(400)).strip()
    for said in (prompt, f"bad input: {prompt[300:900]}", f"bad: {prompt[:90]}"):
        shown = clean_detail(said, prompt)
        assert shown.endswith("…")
        assert not any(shown[n : n + PROMPT_CHARS + 1] in prompt for n in range(len(shown) - PROMPT_CHARS))
    assert clean_detail("a short one", "a short one") == "a short one"


@given(st.text(max_size=2000), st.text(max_size=300), st.text(max_size=50))
def test_whatever_is_said_a_line_is_one_clean_line_that_can_be_read_back(said: str, prompt: str, model: str) -> None:
    line = to_line(Step(1.0, "save", model=model, detail=said), prompt)
    document = json.loads(line)
    assert "\n" not in line
    assert len(document.get("detail", "")) <= 300
    for value in document.values():
        assert not isinstance(value, str) or (value.isprintable() or "\ufffd" in value or not value.isascii())
        assert not isinstance(value, str) or not set(value) & {"\x1b", "\x07", "\u202e", "\x9b"}


# -- files


def test_what_was_put_aside_is_kept_twice_and_read_in_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_BYTES", 4000)
    for batch in range(8):
        steps = Steps(path)
        for number in range(30):
            steps.note(StepName.POLL, JOB, attempt=batch * 30 + number)
        steps.close()
    assert sorted(p.name for p in path.parent.iterdir()) == ["log.1.jsonl", "log.2.jsonl"]
    found = [step.attempt for step in read_steps(path) if step.attempt is not None]
    assert found == sorted(set(found))
    assert found[-1] == 239
    assert stat.S_IMODE(aside(path, 1).stat().st_mode) == 0o600


WRITER = """
import sys
from pathlib import Path
from mediatui.steplog import Steps, StepName
from mediatui.steplog import write
write.MAX_BYTES = 80_000
steps = Steps(Path(sys.argv[1]))
for number in range(400):
    steps.note(StepName.INDEX, project=sys.argv[2], attempt=number, detail="x" * 50)
steps.close(30)
"""


def test_processes_write_whole_lines_into_one_log(path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"p{n}"]) for n in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for number in range(3):
        file = aside(path, number)
        for line in file.read_text().splitlines() if file.exists() else ():
            # Who opens the file while another one's line is half written takes it for torn, and leaves an empty one.
            assert not line or json.loads(line)
    for name in ("p0", "p1", "p2"):
        numbers = [step.attempt for step in read_steps(path, project=name)]
        assert numbers == list(range(400))
    assert aside(path, 1).exists()


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    steps = Steps(tmp_path / "file" / "log.jsonl")
    with steps.step(StepName.SAVE, ITEM):
        pass
    steps.note(StepName.INDEX, ITEM)
    steps.close()
    assert (tmp_path / "file").read_text() == ""


def test_a_log_that_could_not_be_written_says_how_much_it_lacks(path: Path) -> None:
    path.mkdir(parents=True)
    steps = Steps(path)
    steps.note(StepName.POLL, JOB)
    spin_until(lambda: steps._dropped == 1, "the first loss")
    steps.note(StepName.POLL, JOB)
    spin_until(lambda: steps._dropped == 2, "the second loss")
    path.rmdir()
    steps.note(StepName.SAVE, ITEM)
    steps.close()
    assert [(step.step, step.detail) for step in read_steps(path)] == [("save", ""), ("log", "2 steps dropped")]


def test_nobody_waits_for_a_log_that_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that nobody reads takes some bytes and then no more."""
    monkeypatch.setattr(writing, "MAX_WAITING", 1000)
    pipe = tmp_path / "log.jsonl"
    os.mkfifo(pipe)
    steps = Steps(pipe)
    for _ in range(20_000):
        steps.note(StepName.POLL, JOB, detail="x" * 200)
    steps.close(0.1)
    assert any(thread.name == "mediatui-steps" for thread in threading.enumerate())


def test_a_torn_line_costs_only_itself(path: Path) -> None:
    first = Steps(path)
    first.note(StepName.SUBMIT, JOB)
    first.close()
    with path.open("ab") as file:
        file.write(b'{"time": 3, "step": "po\n\xff\xfe\n[1]\n{"step": "save"}\n{"time": 1, "step": 3}\n')
    second = Steps(path)
    second.note(StepName.SAVE, ITEM)
    second.close()
    assert [step.step for step in read_steps(path)] == ["submit", "save"]


@pytest.mark.parametrize("moment", ["1e308", "1e400", "NaN", "-1e18", "253402300800", "true", '"now"', "null"])
def test_a_line_with_a_time_that_no_calendar_has_is_none(path: Path, moment: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"time": {moment}, "step": "poll"}}\n{{"time": 1, "step": "save", "bytes": {"9" * 400}}}\n')
    (left,) = read_steps(path)
    assert (left.step, left.bytes) == ("save", None)


def test_a_full_disk_costs_lines_and_the_log_goes_on(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow, then allows it again."""
    code = """
import resource, signal, sys
from pathlib import Path
from mediatui.steplog import Steps, StepName, read_steps
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
def write(name):
    steps.note(StepName.INDEX, project=name)
    while not steps._waiting.empty():
        pass
steps = Steps(path)
write("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
for number in range(5):
    write(f"lost{number}")
steps.close()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
again = Steps(path)
again.note(StepName.INDEX, project="after")
again.close()
found = [step.project for step in read_steps(path)]
assert found[0] == "before" and found[-1] == "after", found
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "log.jsonl")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- reading


def test_an_items_way_is_its_own_steps_and_its_jobs(path: Path) -> None:
    steps = Steps(path)
    steps.note(StepName.SUBMIT, JOB)
    steps.note(StepName.SAVE, ITEM)
    steps.note(StepName.SAVE, MediaItem(id=f"{JOB.id}-1", project="demo", name="y", type=MediaType.IMAGE, job=JOB.id))
    steps.note(StepName.SUBMIT, Job(id="other", project="demo", provider="fal", model="m", prompt=""))
    steps.note(StepName.INDEX, project="else")
    steps.close()
    assert [(s.step, s.item) for s in read_steps(path, item=ITEM.id)] == [("submit", ""), ("save", ITEM.id)]
    assert len(read_steps(path, job=JOB.id)) == 3
    assert len(read_steps(path, project="demo")) == 4
    assert [s.step for s in read_steps(path, project="demo", limit=1)] == ["submit"]
    assert read_steps(path, item="nobody") == []
    assert read_steps(path.with_name("none.jsonl")) == []


def test_a_tail_sees_what_is_added_also_when_the_log_is_put_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_BYTES", 500)

    def write(*numbers: int) -> None:
        steps = Steps(path)
        for number in numbers:
            steps.note(StepName.POLL, attempt=number)
        steps.close()

    tail = Tail(path)
    assert tail.read() == []
    write(1)
    assert [s.attempt for s in tail.read()] == [1]
    write(*range(2, 20))
    write(20)
    assert [s.attempt for s in tail.read()] == list(range(2, 21))
    with path.open("ab") as file:
        file.write(b'{"time": 1, "step": "po')
        file.flush()
        assert tail.read() == []
        file.write(b'll", "attempt": 21}\n')
    assert [s.attempt for s in tail.read()] == [21]
    tail.close()
    late = Tail(path)
    assert late.read() == []
    late.close()


def test_a_file_of_any_size_is_read_from_its_end(path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as file:
        for number in range(3):
            file.write(b'{"time": %d, "step": "save", "item": "a-0"}\n' % (number + 1))
            file.write(b'{"time": 1, "step": "save", "item": "a-0", "detail": "%s"}\n' % (b"x" * (3 * read.BLOCK)))
    assert [step.time for step in read_steps(path, item="a-0")] == [1.0, 2.0, 3.0]
    os.truncate(path, 1 << 36)  # a hole at its end that no memory holds
    with path.open("ab") as file:
        file.write(b'\n{"time": 9, "step": "poll"}\n')
    assert [step.time for step in read_steps(path, limit=1)] == [9.0]


def test_a_pipe_in_the_logs_place_is_not_waited_for(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    assert read_steps(path) == []
    tail = Tail(path)
    assert tail.read() == []
    tail.close()
