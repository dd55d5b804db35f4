"""An error from the kernel at any call of any method of the store; the campaign tries every kind of error."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.campaigns import store_faults


@pytest.mark.parametrize("subject", store_faults.SUBJECTS, ids=lambda subject: subject.name)
def test_an_error_at_every_call(folder: Path, subject: store_faults.Subject) -> None:
    met, complaints = store_faults.run(folder, [subject], thin=True)
    assert complaints == []
    assert met or subject.name in ("path_of", "trash_entries"), "nothing was refused"
