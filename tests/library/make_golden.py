"""Writes the golden log of the current index version: ``python tests/library/make_golden.py FILE``.

A golden log is written once per version, by the program of that version, and never changed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mediatui.errors import ErrorKind, SaveErrorKind
from mediatui.library.index import PROJECT_KEY, SCHEMA, item_to_document, job_to_document, stored_project
from mediatui.library.journal_file import JournalFile
from mediatui.model import (
    Job,
    JobFault,
    MediaItem,
    MediaType,
    Phase,
    Project,
    SavePolicy,
    SaveState,
    StorageFault,
)

PROJECT = Project("golden", "Golden — ünïcode", 1_763_600_000.25, SavePolicy.ON_DEMAND, {"color": "red"})
JOB = Job(
    id="0123456789abcdef",
    project="golden",
    provider="fal",
    model="fal-ai/veo3/fast",
    prompt="a lighthouse\nin a storm",
    params={"duration": "8s", "nested": {"list": [1, 2.5, None, True]}},
    inputs={"prompt": "a lighthouse\nin a storm", "duration": "8s"},
    type=MediaType.VIDEO,
    phase=Phase.FAILED,
    remote_id="764cabcf-b745-4b3e-ae38-1200304cf45b",
    urls={"status_url": "https://queue.fal.run/x/status", "response_url": "https://queue.fal.run/x"},
    save_policy=SavePolicy.AUTOMATIC,
    batch="b1",
    result_path="results/0123456789abcdef.json",
    error=JobFault(ErrorKind.POLICY, "refused", "say it differently", "content_policy_violation", {"prompt": "no"}),
    owner="host-1",
    cancel_requested=True,
    created_at=1_763_600_001.5,
    submitted_at=1_763_600_002.0,
    finished_at=1_763_600_060.125,
    price="$0.40",
    extra={"later": {"field": 1}},
)
ITEM = MediaItem(
    id="0123456789abcdef-0",
    project="golden",
    name="AI-Video-fal-ai-veo3-fast-1763600060125.mp4",
    type=MediaType.VIDEO,
    role="clip",
    output_path="video",
    provider="fal",
    model="fal-ai/veo3/fast",
    prompt="a lighthouse\nin a storm",
    params={"duration": "8s"},
    seed=7,
    job="0123456789abcdef",
    path="videos/AI-Video-fal-ai-veo3-fast-1763600060125.mp4",
    url="https://v3.fal.media/files/a/b.mp4",
    spool=None,
    url_auth="none",
    url_expires_at=1_764_204_860.0,
    save_state=SaveState.MISSING,
    storage_error=StorageFault(SaveErrorKind.FULL, "No space left on device", 1_763_600_061.0, 3),
    content_type="video/mp4",
    file_size=123_456,
    sha256="ab" * 32,
    crc32="deadbeef",
    duration=8.0,
    width=1280,
    height=720,
    fps=24.0,
    created_at=1_763_600_060.125,
    saved_at=1_763_600_070.5,
    rating=5,
)


def main() -> None:
    journal = JournalFile(Path(sys.argv[1]), SCHEMA)
    journal.commit({"project": {PROJECT_KEY: stored_project(PROJECT)}})
    draft = job_to_document(JOB) | {"phase": "draft"}
    journal.commit({"jobs": {JOB.id: draft}})
    journal.commit({"jobs": {JOB.id: job_to_document(JOB)}, "items": {ITEM.id: item_to_document(ITEM), "x-1": {}}})
    journal.commit({"items": {"x-1": None}})
    journal.close()


if __name__ == "__main__":
    main()
