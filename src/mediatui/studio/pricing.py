"""What a batch is expected to cost, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediatui.errors import NeedsConfirmation
from mediatui.providers.base import Estimate, money
from mediatui.text import plural

UNKNOWN = "price unknown"
FREE = "free"


@dataclass(frozen=True, slots=True)
class JobCost:
    """One job of a batch and what it is expected to cost; None when nobody can say."""

    model: str
    """As the request names it."""
    estimate: Estimate | None

    @property
    def text(self) -> str:
        """``≈ $0.20 (estimate)``, ``free`` or ``price unknown``."""
        if self.estimate is None:
            return UNKNOWN
        return (
            FREE if self.estimate.amount == 0 else f"≈ {money(self.estimate.amount, self.estimate.currency)} (estimate)"
        )


@dataclass(frozen=True, slots=True)
class BatchCost:
    """What a whole request is expected to cost."""

    jobs: tuple[JobCost, ...]

    @property
    def totals(self) -> Mapping[str, float]:
        """The sum of what is known, by currency."""
        sums: dict[str, float] = {}
        for job in self.jobs:
            if job.estimate is not None:
                sums[job.estimate.currency] = sums.get(job.estimate.currency, 0.0) + job.estimate.amount
        return sums

    @property
    def unknown(self) -> int:
        """Jobs whose price nobody can say."""
        return sum(job.estimate is None for job in self.jobs)

    @property
    def text(self) -> str:
        """``≈ $0.40 for 2 jobs (estimate)``, ``free``, ``price unknown``, or what is known of it."""
        known, count = len(self.jobs) - self.unknown, len(self.jobs)
        if not known:
            return UNKNOWN
        sums = [money(amount, currency) for currency, amount in self.totals.items() if amount > 0]
        if not sums:
            return FREE if not self.unknown else f"{self.unknown} of {plural(count, 'job')}: {UNKNOWN}"
        jobs = plural(count, "job") if not self.unknown else f"{known} of {plural(count, 'job')}"
        more = f", {UNKNOWN} for {self.unknown}" if self.unknown else ""
        return f"≈ {' + '.join(sums)} for {jobs} (estimate){more}"

    def is_above(self, limit: float) -> bool:
        """It costs more than that, in any one currency."""
        return any(amount > limit for amount in self.totals.values())


def check_limit(cost: BatchCost, limit: float) -> None:
    """Raises `NeedsConfirmation` when a batch costs more than is spent unasked."""
    if cost.is_above(limit):
        raise NeedsConfirmation(
            f"{cost.text}: more than jobs.confirm_above ({limit:g}) in the settings",
            hint="Nothing was sent. Confirm it, or give --yes.",
        )


def cost_document(cost: BatchCost) -> dict[str, Any]:
    """A batch's cost as JSON; an amount is null where nobody can say."""

    def one(job: JobCost) -> dict[str, Any]:
        known = job.estimate
        return {
            "model": job.model,
            "amount": known.amount if known else None,
            "currency": known.currency if known else None,
            "text": job.text,
        }

    return {"text": cost.text, "totals": dict(cost.totals), "unknown": cost.unknown, "jobs": [*map(one, cost.jobs)]}
