"""Rows: filter, order, jobs that turn into items."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mediatui.errors import ErrorKind
from mediatui.library.query.order import Order
from mediatui.model import Job, JobFault, MediaItem, MediaType, Phase, SaveState
from mediatui.tui.shelf import Shelf


def item(number: int, **more: Any) -> MediaItem:
    name, prompt = f"n{number}", f"prompt {number}"
    base = MediaItem(f"i{number}", "p", name, MediaType.VIDEO, prompt=prompt, created_at=float(number))
    return replace(base, **more)


def job(name: str, phase: Phase, **more: Any) -> Job:
    return replace(Job(name, "p", "sandbox", "m", "a job", phase=phase, created_at=1.0), **more)


def loaded(*items: MediaItem, jobs: tuple[Job, ...] = ()) -> Shelf:
    shelf = Shelf()
    shelf.load(items, jobs)
    return shelf


def test_newest_first_and_reversed() -> None:
    shelf = loaded(item(1), item(3), item(2))
    assert shelf.rows == ["i3", "i2", "i1"]
    shelf.sort(Order("date"))
    assert shelf.rows == ["i1", "i2", "i3"]


def test_sorting_by_state_puts_what_needs_a_look_first() -> None:
    shelf = loaded(item(1, save_state=SaveState.SAVED), item(2, save_state=SaveState.UNSAVED))
    shelf.sort(Order("state"))
    assert shelf.rows == ["i2", "i1"]


def test_filter_needs_every_term() -> None:
    shelf = loaded(item(1, prompt="Misty Valley"), item(2, prompt="misty city", model="fal/flux"), item(3))
    shelf.filter("misty")
    assert shelf.rows == ["i2", "i1"]
    shelf.filter("misty -model:flux")
    assert shelf.rows == ["i1"]
    shelf.filter("misty size:many")
    assert shelf.rows == ["i2", "i1"]
    assert [(problem.start, problem.end) for problem in shelf.problems] == [(6, 15)]
    shelf.filter("")
    assert len(shelf.rows) == 3


def test_narrowing_a_filter_and_widening_it_again_agree_with_a_fresh_one() -> None:
    shelf = loaded(*(item(n, prompt=f"{n % 7} word{n % 3}") for n in range(60)))
    for words in ("w", "wo", "word1", "word1 3", "word", "5 word2", ""):
        shelf.filter(words)
        fresh = loaded(*shelf.items.values())
        fresh.filter(words)
        assert shelf.rows == fresh.rows


def test_a_change_under_a_filter_is_seen() -> None:
    shelf = loaded(item(1, prompt="misty"), item(2))
    shelf.filter("misty")
    shelf.change([item(2, prompt="misty too")], [], [], [])
    assert shelf.rows == ["i2", "i1"]
    shelf.change([], [], ["i1"], [])
    assert shelf.rows == ["i2"]


def test_unfinished_and_failed_jobs_stand_first_and_ended_ones_do_not() -> None:
    jobs = tuple(job(phase.value, phase) for phase in Phase)
    shelf = loaded(item(1), jobs=jobs)
    assert set(shelf.rows[:-1]) == {"submitting", "unknown", "queued", "running", "failed"}
    assert shelf.rows[-1] == "i1"


def test_a_finished_job_whose_result_could_not_be_read_stays_visible() -> None:
    fault = JobFault(ErrorKind.TRANSIENT, "no answer")
    assert loaded(jobs=(job("j", Phase.SUCCEEDED, error=fault),)).rows == ["j"]


def test_the_row_of_a_job_hands_over_to_what_it_made() -> None:
    shelf = loaded(item(1), jobs=(job("j", Phase.RUNNING),))
    before = list(shelf.rows)
    shelf.change([item(2, job="j")], [job("j", Phase.SUCCEEDED)], [], [])
    assert shelf.rows == ["i2", "i1"]
    assert shelf.followers(before) == {"j": "i2"}


def test_counts_follow_changes() -> None:
    shelf = loaded(item(1, save_state=SaveState.UNSAVED), item(2, save_state=SaveState.SAVED, path="a", file_size=5))
    assert (shelf.unsaved, shelf.bytes) == (1, 5)
    shelf.change([item(1, save_state=SaveState.SAVED, path="b", file_size=7)], [], [], [])
    assert (shelf.unsaved, shelf.bytes) == (0, 12)
