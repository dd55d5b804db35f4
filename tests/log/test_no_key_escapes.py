"""After a campaign of failing runs the key is in the configuration file, in our requests, and nowhere else."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.home import Done, Home
from tests.support.echo_server import EchoServer
from tests.support.fal_server import Call, FalServer, Reply

CANARY = "canary-5f0e9d1b3c2f:8b7e6d9f8e7d6c5b4a39281706f5e4d3"
SECRET_HALF = CANARY.partition(":")[2]


class Campaign:
    """A home with a key, everything that was printed there, and a look at every file."""

    def __init__(self, home: Home, config: str) -> None:
        self.home, self.printed = home, list[str]()
        self.config = home.configure(config)

    def run(self, *arguments: str, **environment: str) -> Done:
        done = self.home.run(*arguments, **environment)
        self.printed += [f"{arguments}\n{done.out}", f"{arguments}\n{done.err}"]
        return done

    def leaks(self) -> list[str]:
        """Where the key, its secret half or its usual encodings can be seen."""
        wanted = [CANARY.encode(), SECRET_HALF.encode(), base64.b64encode(CANARY.encode())]
        found = [text for text in self.printed if any(w in text.encode() for w in wanted)]
        files = [p for p in self.home.root.rglob("*") if p.is_file() and p != self.config]
        return found + [str(p) for p in files if any(w in p.read_bytes() for w in wanted)]


def fal_config(server: FalServer, key: str) -> str:
    base = server.url
    return f"""
[jobs]
poll_seconds = 0.05
[providers.fal]
{key}
queue_url = "{base}"
run_url = "{base}/run"
api_url = "{base}/v1"
upload_url = "{base}"
"""


def said(call: Call) -> str:
    return call.headers.get("authorization", "")


FAULTS: dict[str, tuple[str, Any]] = {
    "401": ("submit", lambda c: Reply(401, {"detail": f"no user for {said(c)}"})),
    "403": ("submit", lambda c: Reply(403, {"detail": f"locked: {said(c)}"})),
    "422": (
        "submit",
        lambda c: Reply(422, {"detail": [{"loc": ["body", "prompt"], "msg": said(c), "type": said(c)}]}),
    ),
    "422-text": ("submit", lambda c: Reply(422, {"detail": said(c)})),
    "500": ("submit", lambda c: Reply(500, f"<html>{said(c)}</html>".encode())),
    "dropped": ("submit", lambda c: Reply(drop=True)),
    "no-handle": ("submit", lambda c: Reply(200, {"said": said(c)})),
    "status-401": ("status", lambda c: Reply(401, {"detail": said(c)})),
    "failed": (
        "status",
        lambda c: Reply(
            body={"status": "COMPLETED", "error": f"runner got {said(c)}", "error_type": said(c), "logs": []}
        ),
    ),
    "result-422": ("result", lambda c: Reply(422, {"detail": [{"loc": ["body"], "msg": said(c), "type": "x"}]})),
    "result-empty": ("result", lambda c: Reply(body={"images": []})),
    "file-403": ("file", lambda c: Reply(403, {"detail": "gone"})),
    "file-page": ("file", lambda c: Reply(body=b"<html>no</html>", headers={"Content-Type": "text/html"})),
}


@pytest.mark.parametrize("where", ["file", "environment", "command"])
def test_no_key_escapes_from_failing_runs(home: Home, fal: FalServer, where: str) -> None:
    hidden = home.root.parent / f"{home.root.name}-key"
    hidden.write_text(CANARY)
    key = {"file": f'key = "{CANARY}"', "environment": "", "command": f'key_command = "cat {hidden}"'}[where]
    environment = {"FAL_KEY": CANARY} if where == "environment" else {}
    campaign = Campaign(home, fal_config(fal, key))
    faults = FAULTS if where == "file" else {name: FAULTS[name] for name in ("401", "422", "failed", "dropped")}
    outcomes = {}
    for name, (step, answer) in faults.items():
        fal.on = {step: answer}
        outcomes[name] = campaign.run("generate", f"a boat {name}", "-m", "fal-ai/test", **environment).code
    assert outcomes["401"] == 4
    assert [name for name, code in outcomes.items() if code == 0] in ([], ["result-empty"])
    fal.on = {"catalogue": lambda c: Reply(401, {"detail": said(c)}), "status": lambda c: Reply(401, {"d": said(c)})}
    assert campaign.run("auth", "check", **environment).code == 4
    campaign.run("models", **environment)
    fal.on = {}
    assert campaign.run("auth", "check", "--json", **environment).document["providers"][0]["state"] == "usable"
    look(campaign, environment)
    assert {said(call) for call in fal.calls if call.path.endswith("/status")} == {f"Key {CANARY}"}
    assert campaign.leaks() == []


def look(campaign: Campaign, environment: dict[str, str]) -> None:
    """Every command that shows something."""
    for arguments in (
        ("generate", "a boat at last", "-m", "fal-ai/test", "-p", "demo"),
        ("export", "demo", "-o", str(campaign.home.root / "demo.zip")),
        ("doctor", "--json"),
        ("doctor",),
        ("config", "show", "--json"),
        ("config", "show"),
        ("config", "check"),
        ("jobs", "--json"),
        ("list", "--json"),
        ("retry", "--all"),
        ("jobs", "retry", "--all"),
        ("logs",),
        ("logs", "--json"),
    ):
        campaign.run(*arguments, **environment)
    assert (campaign.home.root / "demo.zip").exists()
    assert '"step": "submit"' in (campaign.home.root / "state" / "mediatui" / "log.jsonl").read_text()


PROVIDERS = {
    "replicate": ("api_url", "/v1", "replicate:acme/painter"),
    "piapi": ("api_url", "", "piapi:Qubico/flux1-dev/txt2img"),
    "openai": ("base_url", "/v1", "openai:gpt-image-1"),
    "google": ("gemini_url", "/v1beta", "google:gemini-2.5-flash-image"),
}


@pytest.mark.parametrize("status", [401, 422, 500])
def test_no_service_brings_the_key_into_our_words(home: Home, status: int) -> None:
    with EchoServer(status) as server:
        tables = [
            f'[providers.{name}]\nkey = "{CANARY}"\n{option} = "{server.url}{path}"\n'
            for name, (option, path, _) in PROVIDERS.items()
        ]
        campaign = Campaign(home, "[jobs]\npoll_seconds = 0.05\n" + "\n".join(tables))
        for _, _, model in PROVIDERS.values():
            assert campaign.run("generate", "a boat", "-m", model).code in (1, 4), model
        checked = campaign.run("auth", "check", "--json").document["providers"]
        states = {each["name"]: each["state"] for each in checked if each["name"] in PROVIDERS}
        if status == 401:
            assert set(states.values()) == {"refused"}
        campaign.run("models")
        campaign.run("logs")
        assert server.keys() == {CANARY}
    assert campaign.leaks() == []


def test_no_key_escapes_when_a_service_never_answers(home: Home) -> None:
    with EchoServer() as server:
        server.go_on.clear()
        table = f'[providers.openai]\nkey = "{CANARY}"\nbase_url = "{server.url}/v1"\ntimeout_seconds = 0.5\n'
        campaign = Campaign(home, table)
        campaign.run("generate", "a boat", "-m", "gpt-image-1")
        server.go_on.set()
        assert server.keys() == {CANARY}
    assert campaign.leaks() == []


CRASH = """
import sys
from mediatui.cli.fence import run_fenced
from mediatui.cli.main import build_parser

def run(context):
    found = context.settings.providers["fal"].find_key()
    raise RuntimeError(f"a defect of ours with {found.secret.reveal()} and {found.secret.reveal().partition(':')[2]}")

sys.exit(run_fenced(["doctor"], build_parser, run))
"""


@pytest.mark.parametrize("key", [f'key = "{CANARY}"', f"key_command = 'printf %s {CANARY}'"])
def test_no_crash_report_shows_the_key(home: Home, key: str) -> None:
    campaign = Campaign(home, f"[providers.fal]\n{key}\n")
    done = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, encoding="utf-8", env=home.environment, check=False
    )
    campaign.printed += [done.out if isinstance(done, Done) else done.stdout, done.stderr]
    assert done.returncode == 1
    reports = list((home.root / "state" / "mediatui").glob("crash-*.txt"))
    assert len(reports) == 1
    assert "a defect of ours with ••••" in reports[0].read_text()
    assert campaign.leaks() == []


def test_no_key_is_shown_when_the_file_itself_is_wrong(home: Home) -> None:
    for wrong in (f'kye = "{CANARY}"', f'key = ["{CANARY}"]', f'key = "{CANARY}', f'key = "{CANARY}"\nsave = 3'):
        root = home.root / str(len(os.listdir(home.root)))
        root.mkdir()
        campaign = Campaign(Home(root), f"[providers.fal]\n{wrong}\n")
        for arguments in (
            ("config", "show"),
            ("config", "check"),
            ("auth", "check"),
            ("doctor", "--json"),
            ("models",),
        ):
            done = campaign.run(*arguments)
            assert done.code != 0
        assert campaign.leaks() == []


def test_the_campaign_can_fail(home: Home) -> None:
    campaign = Campaign(home, "")
    (home.root / "leak.json").write_text(json.dumps({"key": CANARY}))
    campaign.printed.append(f"Basic {base64.b64encode(CANARY.encode()).decode()}")
    assert len(campaign.leaks()) == 2
    assert Path(campaign.leaks()[1]).name == "leak.json"
