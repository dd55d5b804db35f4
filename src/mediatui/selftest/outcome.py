"""What one check found, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended. LIMITED: it works, with something one should know. SKIPPED: it cannot be tried here."""

    GOOD = "good"
    LIMITED = "limited"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check: its name, how it ended, what that means, and how often it was tried."""

    check: str
    verdict: Verdict
    words: str
    trials: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """All checks of one folder."""

    folder: str
    file_system: str
    seconds: float
    outcomes: tuple[Outcome, ...]

    @property
    def safe(self) -> bool:
        """Nothing was lost and nothing lied."""
        return not any(outcome.verdict is Verdict.BAD for outcome in self.outcomes)

    @property
    def words(self) -> str:
        """The answer to "may I keep my projects here?"."""
        bad, limits = self._said(Verdict.BAD), self._said(Verdict.LIMITED)
        if bad:
            return f"This place is not safe for projects: {'; '.join(bad)}."
        if limits:
            return f"This place is safe for projects, with limits: {'; '.join(limits)}."
        return "This place is safe for projects."

    def _said(self, verdict: Verdict) -> list[str]:
        """What was found, each once: one fault may spoil several checks."""
        return list(dict.fromkeys(outcome.words for outcome in self.outcomes if outcome.verdict is verdict))
