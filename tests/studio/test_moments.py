"""The times that name new items and their files."""

from __future__ import annotations

import time

import pytest

from mediatui.studio.outputs import SET_BACK_MS, Moments


def test_no_time_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    moments = Moments()
    assert [moments.take(2), moments.take(1), moments.take(1)] == [1000.0, 1000.002, 1000.003]
    clock[0] -= SET_BACK_MS / 1000 - 1  # a step of a second or so is no setting of the clock
    assert moments.take(1) == 1000.004


def test_a_clock_that_is_set_right_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all that is made until the end of the session would seem to come from the future."""
    clock = [2_000_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    moments = Moments()
    moments.take(3)
    clock[0] = 1_800_000_000.0
    assert [moments.take(2), moments.take(1)] == [1_800_000_000.0, 1_800_000_000.002]
