"""An error from the kernel at any call of any method of the store; the campaign tries every kind of error."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.campaigns import store_faults, store_states

from mediatui.library import journal_file


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(journal_file, "COMPACT_FROM", journal_file.COMPACT_FROM)
    place = Path(tempfile.mkdtemp(dir=store_states.fast_folder()))
    yield place
    shutil.rmtree(place)


@pytest.mark.parametrize("subject", store_faults.SUBJECTS, ids=lambda subject: subject.name)
def test_an_error_at_every_call(folder: Path, subject: store_faults.Subject) -> None:
    met, complaints = store_faults.run(folder, [subject], thin=True)
    assert complaints == []
    assert met or subject.name in ("path_of", "trash_entries"), "nothing was refused"
