"""The real program, killed at random moments on the built-in sandbox: its interface in a terminal, and its commands."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.killing import digest, media_digests, no_strange_files
from tests.support.terminal import Terminal

from mediatui.library.library import Library
from mediatui.library.reconcile import reconcile
from mediatui.locations import Locations, find_locations
from mediatui.model import Job, Phase, SaveState

MODEL = "sandbox/text-to-image"
PARAMS = {"image_size": "square", "num_images": "1", "seed": "7"}
SECONDS = 120.0
LONGEST = 3.0
"""Seconds after sending within which the program is killed."""


@dataclass
class Desk:
    """A person's machine: what was asked for there, and what the program said it had taken."""

    root: Path
    prompts: list[str] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    """Prompts that the program showed as taken."""
    kept: dict[Path, str] = field(default_factory=dict)
    """Digests of the media files seen after a kill."""
    moments: Counter[str] = field(default_factory=Counter)

    @property
    def environment(self) -> dict[str, str]:
        """A home of its own and an ordinary terminal; nothing of the real one that could matter."""
        kept = {n: v for n, v in os.environ.items() if n in ("PATH", "LANG", "PYTHONPATH")}
        places = {f"XDG_{kind.upper()}_HOME": str(self.root / kind) for kind in ("config", "state", "cache")}
        more = {"HOME": str(self.root), "MEDIATUI_DATA_DIR": str(self.root / "data"), "COLORTERM": "truecolor"}
        return {**kept, **places, **more, "TERM": "xterm-256color", "PYTHONUTF8": "1"}

    @property
    def locations(self) -> Locations:
        """Where that home keeps things."""
        before = os.environ.get("XDG_STATE_HOME")
        os.environ["XDG_STATE_HOME"] = str(self.root / "state")
        try:
            return find_locations(self.root / "data", self.root / "config" / "config.toml")
        finally:
            if before is None:
                del os.environ["XDG_STATE_HOME"]
            else:
                os.environ["XDG_STATE_HOME"] = before

    def command(self, *arguments: str) -> Any:
        """The JSON of a command."""
        done = subprocess.run(
            [sys.executable, "-m", "mediatui", *arguments, "--json"],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=SECONDS,
        )
        return json.loads(done.stdout) if done.stdout else {}

    # -- being killed

    def kill_once(self, chance: random.Random) -> None:
        """One run of some kind, killed at some moment."""
        self.kill(chance.choice(("interface", "interface", "command", "detached", "opened")), chance)

    def kill(self, kind: str, chance: random.Random) -> None:
        """One run of that kind, killed at some moment; what was there before is there after."""
        prompt = f"prompt {len(self.prompts)} {chance.random():.9f}"
        getattr(self, f"_kill_{kind}")(prompt, chance)
        self.moments[kind] += 1
        self.kept |= media_digests(self.root)
        self._look()

    def _kill_interface(self, prompt: str, chance: random.Random) -> None:
        self._draft()
        self.prompts.append(prompt)
        with Terminal([], self.environment, size=(120, 40)) as terminal:
            terminal.shows("SANDBOX", "n new")
            terminal.send("n")
            terminal.shows("1 chosen", "generates", "square")
            terminal.send(prompt)
            terminal.shows(prompt)
            terminal.send("\x13")
            end = time.monotonic() + chance.choice((0.0, chance.uniform(0, 0.3), chance.uniform(0, LONGEST)))
            while time.monotonic() < end:
                terminal.read(0.01)
            if prompt in terminal.text and "generates" not in terminal.text:
                self.acknowledged.add(prompt)

    def _kill_opened(self, prompt: str, chance: random.Random) -> None:
        """Nothing is sent: it is killed while it takes up what others left."""
        with Terminal([], self.environment, size=(120, 40)) as terminal:
            end = time.monotonic() + chance.uniform(0, LONGEST)
            while time.monotonic() < end:
                terminal.read(0.01)

    def _kill_command(self, prompt: str, chance: random.Random) -> None:
        self._kill_generate(prompt, chance)

    def _kill_detached(self, prompt: str, chance: random.Random) -> None:
        self._kill_generate(prompt, chance, "--detach")

    def _kill_generate(self, prompt: str, chance: random.Random, *more: str) -> None:
        self.prompts.append(prompt)
        pairs = [f"{name}={value}" for name, value in PARAMS.items()]
        command = [sys.executable, "-m", "mediatui", "generate", prompt, *pairs, "-m", MODEL, "--json", *more]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
        time.sleep(chance.uniform(0.2, LONGEST))  # the moment of the kill, not a wait for something
        child.kill()
        said, _ = child.communicate()
        if said.endswith(b"}\n"):
            self.acknowledged |= {job["prompt"] for job in json.loads(said)["jobs"] if job["phase"] != "unknown"}

    def _draft(self) -> None:
        """What was chosen on the form the last time."""
        place = self.locations.state / "interface.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"draft": {"models": [MODEL], "values": PARAMS}}))

    # -- looking

    def sent(self) -> Counter[str]:
        """How often each prompt was sent and accepted."""
        folder = self.locations.sandbox / "requests"
        return Counter(json.loads(path.read_bytes())["body"]["prompt"] for path in folder.glob("*.json"))

    def _look(self) -> None:
        """Right after a kill: the index opens whole, what was acknowledged is in it, nothing was sent twice."""
        library = Library(self.locations)
        try:
            jobs: dict[str, Job] = {}
            for project_id in library.project_ids():
                project = library.open(project_id)
                assert project.damage == (), project.damage
                jobs |= {job.prompt: job for job in project.jobs()}
        finally:
            library.close()
        assert jobs.keys() >= self.acknowledged, self.acknowledged - jobs.keys()
        sent = self.sent()
        assert jobs.keys() >= sent.keys(), sent.keys() - jobs.keys()
        assert max(sent.values(), default=0) <= 1, sent
        for path, known in self.kept.items():
            assert digest(path.read_bytes()) == known, path

    def settle(self) -> Mapping[str, int]:
        """Start it once more and let it finish; then everything that was sent is saved, each once."""
        self.command("jobs", "resume")
        self._look()
        sent, library = self.sent(), Library(self.locations)
        try:
            projects = [library.open(project_id) for project_id in library.project_ids()]
            jobs = [job for project in projects for job in project.jobs()]
            items = [item for project in projects for item in project.items()]
            assert len({job.prompt for job in jobs}) == len(jobs), Counter(job.prompt for job in jobs).most_common(3)
            for job in jobs:
                wanted = (Phase.SUCCEEDED,) if job.prompt in sent else (Phase.CANCELLED, Phase.UNKNOWN)
                assert job.phase in wanted, job
                assert job.phase is Phase.SUCCEEDED or (job.error and job.error.message), job
            assert all(item.save_state is SaveState.SAVED for item in items), items
            assert Counter(item.prompt for item in items) == sent
            for project in projects:
                for item in project.items():
                    assert digest((project.folder / str(item.path)).read_bytes()) == item.sha256, item
                reconcile(project)  # as opening it does: with every job at its end there was nothing to resume
                no_strange_files(project, "in the end")
        finally:
            library.close()
        return Counter(job.phase for job in jobs)
