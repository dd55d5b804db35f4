"""The self-test: content with a good disk, and able to find a bad one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
from tests.support.disks import tmpfs

from mediatui.errors import StorageBlocked
from mediatui.library import lock
from mediatui.selftest.disk import check_links, check_locks, check_rename, check_sync
from mediatui.selftest.outcome import Outcome, Summary, Verdict
from mediatui.selftest.run import selftest
from mediatui.selftest.session import expected
from mediatui.selftest.store import (
    FEWEST_CHANGES,
    FEWEST_KILLS,
    check_bits,
    check_cuts,
    check_full,
    check_kills,
    check_two_writers,
    tries,
)

TimedCheck = Callable[[Path, float], Outcome]


@pytest.fixture
def child_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that every child of ours runs first."""
    folder = tmp_path / "patch"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.fspath(folder), prepend=os.pathsep)
    return folder / "sitecustomize.py"


def test_a_good_disk_passes_and_nothing_is_left(tmp_path: Path) -> None:
    told: list[Outcome] = []
    summary = selftest(tmp_path / "new" / "folder", 0, told.append)
    assert summary.safe, summary.words
    assert "safe for projects" in summary.words
    assert tuple(told) == summary.outcomes
    assert {o.verdict for o in told} <= {Verdict.GOOD, Verdict.LIMITED}
    assert [o.check for o in told] == [
        "sync", "rename", "names", "locks", "full disk", "kill -9", "two writers", "cut index", "flipped bits",
    ]  # fmt: skip
    assert all(o.trials for o in told if o.check != "names")
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_each_verdict_has_its_words() -> None:
    good, limited = Outcome("a", Verdict.GOOD, "fine"), Outcome("b", Verdict.LIMITED, "no hard links")
    assert Summary("/x", "ext4", 1, (good,)).words == "This place is safe for projects."
    assert Summary("/x", "vfat", 1, (good, limited)).safe
    assert "with limits: no hard links" in Summary("/x", "vfat", 1, (good, limited)).words
    bad = Summary("/x", "odd", 1, (good, limited, Outcome("c", Verdict.BAD, "it forgets")))
    assert not bad.safe
    assert bad.words == "This place is not safe for projects: it forgets."


def test_a_disk_that_is_full_already_is_not_called_bad(tmp_path: Path) -> None:
    told: list[Outcome] = []
    with tmpfs(tmp_path, "size=512k"), pytest.raises(StorageBlocked, match="No space left"):
        selftest(tmp_path, 0, told.append)
    assert told == []
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fail)
    assert check_sync(tmp_path).verdict is Verdict.BAD


def test_a_disk_that_fails_in_the_middle_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fail)
    summary = selftest(tmp_path / "new", 0, lambda outcome: None)
    assert not summary.safe
    words = {outcome.check: outcome.words for outcome in summary.outcomes if outcome.verdict is Verdict.BAD}
    assert words.keys() == {"sync", "full disk", "kill -9", "two writers", "cut index", "flipped bits"}
    assert all("Input/output error" in said for said in words.values())


def test_a_rename_that_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(source: Path, target: Path) -> None:
        data = Path(source).read_bytes()
        with Path(target).open("wb", buffering=0) as stream:
            for start in range(0, len(data), 16):
                stream.write(data[start : start + 16])
        Path(source).unlink()

    monkeypatch.setattr(os, "replace", copy)
    assert check_rename(tmp_path).verdict is Verdict.BAD


def test_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    assert check_links(tmp_path).verdict is Verdict.LIMITED


def test_locks_that_lie_are_told_in_words(tmp_path: Path, child_patch: Path) -> None:
    child_patch.write_text("import fcntl\nfcntl.flock = lambda fd, how: None\n")
    outcome = check_locks(tmp_path)
    assert outcome.verdict is Verdict.LIMITED
    assert "only one mediatui at a time" in outcome.words


def test_a_network_folder_known_to_ignore_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = os.stat(tmp_path).st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 {os.major(device)}:{os.minor(device)} / / rw - cifs //server/share rw\n")
    monkeypatch.setattr(lock, "MOUNTS", mounts)
    assert check_locks(tmp_path).verdict is Verdict.LIMITED


def test_a_disk_that_drops_writes(tmp_path: Path, child_patch: Path) -> None:
    """Acknowledged, and gone after the kill."""
    child_patch.write_text(
        "import os\n"
        "real, calls = os.write, []\n"
        "def write(fd, data):\n"
        "    calls.append(fd)\n"
        "    return len(data) if len(calls) > 3 else real(fd, data)\n"
        "os.write = write\n"
    )
    for number, check in enumerate((check_kills, check_two_writers)):
        (tmp_path / f"{number}").mkdir()
        outcome = check(tmp_path / f"{number}", 0)
        assert outcome.verdict is Verdict.BAD
        assert outcome.words.startswith("after a kill")


def test_a_store_that_dies_on_a_full_disk(tmp_path: Path, child_patch: Path) -> None:
    child_patch.write_text("import os\nos.ftruncate = None\n")
    assert check_full(tmp_path).verdict is Verdict.BAD


def test_a_store_that_cannot_write_is_nothing_that_survives_kills(tmp_path: Path, child_patch: Path) -> None:
    """Nothing was acknowledged, hence nothing was lost, and still nothing was tried."""
    child_patch.write_text("import os\ndef fail(fd):\n    raise OSError(5, 'gone')\nos.fdatasync = fail\n")
    for number, check in enumerate((check_kills, check_two_writers)):
        (tmp_path / f"{number}").mkdir()
        outcome = check(tmp_path / f"{number}", 0)
        assert outcome.verdict is Verdict.BAD
        assert outcome.words.startswith("a process could not go on writing")
        assert "Input/output error" in outcome.words


@pytest.mark.parametrize("check", [check_cuts, check_bits])
def test_an_index_that_is_empty_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: TimedCheck
) -> None:
    """There is nothing to cut or to flip in it, which does not make it good."""
    monkeypatch.setattr(os, "write", lambda fd, data: len(data))
    outcome = check(tmp_path, 0)
    assert (outcome.verdict, outcome.trials) == (Verdict.BAD, 0)


@pytest.mark.parametrize(
    ("check", "fewest"),
    [
        (check_kills, FEWEST_KILLS),
        (check_two_writers, FEWEST_KILLS),
        (check_cuts, FEWEST_CHANGES),
        (check_bits, FEWEST_CHANGES),
    ],
)
def test_without_time_a_few_tries_are_made(tmp_path: Path, check: TimedCheck, fewest: int) -> None:
    outcome = check(tmp_path, 0)
    assert (outcome.verdict, outcome.trials) == (Verdict.GOOD, fewest)


def test_with_time_all_is_tried() -> None:
    assert list(tries(range(7), 2, 0)) == [0, 1]
    assert list(tries(range(7), 2, inf)) == [0, 1, 2, 3, 4, 5, 6]
    assert list(tries(range(1), 2, 0)) == [0]


def test_what_is_expected_follows_the_session() -> None:
    assert expected("w", 0) == {}
    assert set(expected("w", 4)) == {"w-text-1", "w-text-2", "w-text-3", "w-file-4"}
    assert "w-text-5" not in expected("w", 14)  # 14 is divisible by 7: it removes 14 % 9
    assert "w-text-5" in expected("w", 13)
