"""Prompts used before. There is no store of their own: the jobs are the history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mediatui.model import Job

LIMIT = 500


@dataclass(frozen=True, slots=True)
class UsedPrompt:
    """A prompt as it was sent, the models it went to (latest first), how often, and when last."""

    prompt: str
    models: tuple[str, ...]
    times: int
    last_used: float
    job_id: str
    """The latest job with it."""


def prompt_history(jobs: Iterable[Job], search: str = "", limit: int = LIMIT) -> tuple[UsedPrompt, ...]:
    """Prompts with every word of `search`, the latest first, each once."""
    words = search.casefold().split()
    found: dict[str, list[Job]] = {}
    for job in sorted(jobs, key=lambda job: (-job.created_at, job.id)):
        prompt = job.prompt.strip()
        if not prompt:
            continue
        if prompt in found:
            found[prompt].append(job)
        elif len(found) < limit and all(word in prompt.casefold() for word in words):
            found[prompt] = [job]
    return tuple(_used(prompt, same) for prompt, same in found.items())


def _used(prompt: str, jobs: list[Job]) -> UsedPrompt:
    models = tuple(dict.fromkeys(job.model for job in jobs))
    return UsedPrompt(prompt, models, len(jobs), jobs[0].created_at, jobs[0].id)
