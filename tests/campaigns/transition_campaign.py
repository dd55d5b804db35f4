"""Many random sequences of events through the real studio; each must write allowed steps only, and send once.

python -m tests.campaigns.transition_campaign [EXAMPLES]
"""

from __future__ import annotations

import sys
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hostile.test_transitions import EVENTS, Event, check, world

from mediatui.model import SavePolicy


def main(examples: int) -> None:
    """Run them; the first that fails is shown in its shortest form."""
    steps: dict[str, int] = {}
    started = time.monotonic()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(EVENTS, min_size=3, max_size=20), st.sampled_from(SavePolicy))
    def run(events: list[Event], policy: SavePolicy) -> None:
        with world(policy) as made:
            for event in events:
                made.happen(*event)
            for step, count in check(made).items():
                steps[step] = steps.get(step, 0) + count

    run()
    for step, count in sorted(steps.items()):
        print(f"{count:6} {step}")
    print(f"{examples} sequences, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
