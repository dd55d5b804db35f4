"""The service that the plug-in guide's example talks to."""

from __future__ import annotations

import base64

from tests.support.loopback import PNG, Call, LoopbackService, Reply


class EaselServer(LoopbackService):
    """Answers a picture at once."""

    def step(self, call: Call) -> str:
        """Its only step."""
        return "submit" if call.path.startswith("/draw/") else "unknown"

    def on_submit(self, call: Call) -> Reply:
        """One picture."""
        return Reply(body={"pictures": [base64.b64encode(PNG).decode()]})
