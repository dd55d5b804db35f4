"""fal's own clients drive the sandbox, changed in nothing but where they call."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .standalone import Standalone, standalone

HERE = Path(__file__).parent
NODE_MODULES = os.environ.get("MEDIATUI_NODE_MODULES", "")


def report(command: list[str], **environment: str) -> dict[str, Any]:
    """What a client script printed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def run_python_client(server: Standalone) -> dict[str, Any]:
    host = server.base_url.removeprefix("https://")
    return report(
        [sys.executable, str(HERE / "fal_client_script.py")],
        FAL_KEY=server.key,
        FAL_QUEUE_RUN_HOST=host,
        FAL_RUN_HOST=f"{host}/run",
        SSL_CERT_FILE=server.certificate,
    )


def test_python_client(tmp_path: Path) -> None:
    with standalone(tmp_path, tls=True) as server:
        seen = run_python_client(server)
        sync, later = seen["sync"], seen["async"]
    assert sync["last_status"] == sync["updated"] == "Completed"
    assert sync["logs"][-1] == "frame 6/6 (100%)"
    assert sync["video"]["url"].startswith(server.base_url)
    assert sync["downloaded"] == sync["video"]["file_size"]
    assert (sync["subscribed"], sync["ran"], sync["moved"]) == ("video/mp4", 64, 6)
    assert sync["uploads"] == [True, True, True]
    assert (sync["position"], sync["cancelled"]) == (6, "client_cancelled")
    assert (sync["invalid"]["status"], sync["invalid"]["message"][0]["type"]) == (422, "less_than_equal")
    assert (sync["locked"]["status"], sync["locked"]["message"][:14]) == (403, "User is locked")
    assert (sync["failed"]["status"], sync["failed"]["error_type"]) == (500, "runner_server_error")
    assert later == {
        "last_status": "Completed",
        "downloaded": True,
        "subscribed": 6,
        "ran": 48,
        "uploaded": "hello",
        "cancelled": "client_cancelled",
    }


@pytest.mark.skipif(
    not (shutil.which("node") and NODE_MODULES and Path(NODE_MODULES, "@fal-ai/client").is_dir()),
    reason="needs node and MEDIATUI_NODE_MODULES=/folder/node_modules with @fal-ai/client installed",
)
@pytest.mark.parametrize(("tls", "mode"), [(False, "fetch"), (False, "proxy"), (True, "fetch")])
def test_javascript_client(tmp_path: Path, tls: bool, mode: str) -> None:
    with standalone(tmp_path, tls=tls) as server:
        trust = {"NODE_EXTRA_CA_CERTS": server.certificate} if tls else {}
        seen = report(
            ["node", str(HERE / "fal_client.mjs")],
            BASE_URL=server.base_url,
            MODE=mode,
            MEDIATUI_NODE_MODULES=NODE_MODULES,
            **trust,
        )
    assert seen["submitted"]["status"] == "IN_QUEUE"
    assert seen["updates"][-1] == "COMPLETED"
    assert seen["resultRequestId"] == seen["submitted"]["request_id"]
    assert seen["downloaded"] == seen["video"]["file_size"]
    assert seen["subscribed"] == "video/mp4"
    assert seen["lastLog"] == "frame 6/6 (100%)"
    assert (seen["image"]["content_type"], seen["image"]["width"]) == ("image/png", 64)
    assert seen["uploadCameBack"] is True
    assert seen["cancelled"] == "client_cancelled"
    assert (seen["invalid"]["name"], seen["invalid"]["status"]) == ("ValidationError", 422)
    assert (seen["locked"]["status"], seen["locked"]["body"]["detail"][:14]) == (403, "User is locked")
