"""The interface in a browser: who gets in, and that it is drawn there."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.home import Home, ended
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0


@pytest.fixture
def address(home: Home) -> Iterator[str]:
    """A running server's whole address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mediatui", "serve", "--sandbox"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=home.environment,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 130)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize(("command", "field"), [("serve", "address"), ("sandbox", "url")])
def test_servers_tell_their_address_on_one_line_and_end_when_they_are_asked_to(
    home: Home, command: str, field: str, number: signal.Signals
) -> None:
    process = home.start(command, "--json", "--sandbox")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())[field].startswith("http://127.0.0.1:")
    process.send_signal(number)
    done = ended(process)
    assert (done.code, done.out) == (0, ""), done.err


def test_only_the_address_with_its_token_opens_it(address: str) -> None:
    origin, _, token = address.partition("/?token=")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", origin)
    assert len(token) >= 32
    with httpx.Client() as stranger:
        for path in ("/", "/?token=wrong", "/static/css/xterm.css", "/ws", "/download/x"):
            answer = stranger.get(origin + path)
            assert answer.status_code == 403, path
            assert token not in answer.text
        assert stranger.get(address, headers={"Host": "evil.example"}).status_code == 403
        assert stranger.get(address, headers={"Origin": "https://evil.example"}).status_code == 403
    with httpx.Client(follow_redirects=True) as person:
        page = person.get(address)
        assert page.status_code == 200
        assert token not in str(page.url)
        assert page.headers["referrer-policy"] == "no-referrer"
        assert person.get(f"{origin}/static/css/xterm.css").status_code == 200
        cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    socket = origin.replace("http", "ws") + "/ws?width=80&height=24"
    for headers in ({"Origin": "https://evil.example", "Cookie": cookie}, {"Origin": origin}):
        with pytest.raises(InvalidStatus) as refused, connect(socket, additional_headers=headers):
            pass
        assert refused.value.response.status_code == 403


def test_a_tab_draws_and_answers_keys(address: str) -> None:
    origin = address.partition("/?")[0]
    with httpx.Client(follow_redirects=True) as person:
        person.get(address)
        cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    socket = origin.replace("http", "ws") + "/ws?width=100&height=30"
    with connect(socket, additional_headers={"Origin": origin, "Cookie": cookie}) as tab:
        _until(tab, "Projects")
        tab.send(json.dumps(["stdin", "?"]))
        _until(tab, "New generation")
        tab.send(json.dumps(["stdin", "\x1b"]))
        tab.send(json.dumps(["stdin", "\x11"]))


def _until(tab: ClientConnection, words: str) -> None:
    seen, end = "", time.monotonic() + PATIENCE
    while words not in seen:
        assert time.monotonic() < end, seen[-500:]
        data = tab.recv(timeout=PATIENCE)
        seen += data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        seen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
def test_a_real_browser_shows_it(address: str, tmp_path: Path) -> None:
    browser = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         f"--user-data-dir={tmp_path / 'profile'}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    try:
        assert browser.stderr is not None
        line = next(text for text in iter(browser.stderr.readline, b"") if b"DevTools listening" in text)
        port = line.decode().split("127.0.0.1:")[1].split("/")[0]
        pages = httpx.get(f"http://127.0.0.1:{port}/json").json()
        page = next(each for each in pages if each["type"] == "page")
        with connect(page["webSocketDebuggerUrl"], max_size=None) as tools:
            _browse(tools, address)
    finally:
        browser.terminate()
        browser.communicate(timeout=PATIENCE)


def _browse(tools: ClientConnection, address: str) -> None:
    """Open the address; wait until the page's own socket brought the first frame."""
    for number, (method, params) in enumerate((("Network.enable", {}), ("Page.navigate", {"url": address}))):
        tools.send(json.dumps({"id": number, "method": method, "params": params}))
    seen, end = "", time.monotonic() + PATIENCE
    while "Media" not in seen:
        assert time.monotonic() < end, seen[-500:]
        message: dict[str, Any] = json.loads(tools.recv(timeout=PATIENCE))
        if message.get("method") == "Network.webSocketFrameReceived":
            frame = message["params"]["response"]
            data = frame["payloadData"]
            seen += base64.b64decode(data).decode("utf-8", "replace") if frame["opcode"] == 2 else data
            seen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)


def test_without_the_extra_it_says_which(home: Home) -> None:
    hide = "import sys; sys.modules['textual_serve'] = None; sys.modules['aiohttp'] = None\n"
    code = hide + "from mediatui.cli.main import main; sys.exit(main(['serve']))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=home.environment, check=False
    )
    assert done.returncode == 2
    assert "mediatui[serve]" in done.stderr


def test_a_taken_port_is_told(home: Home) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = home.run("serve", "--port", str(taken.getsockname()[1]))
    assert done.code == 2
    assert "--port" in done.err
