"""Where things lie on this system: data, configuration, state and cache."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP = "mediatui"
DATA_DIR, CONFIG = "MEDIATUI_DATA_DIR", "MEDIATUI_CONFIG"
"""Environment variables that name the data directory and the configuration file."""

INDEX = "index.jsonl"
"""A project's index, in its folder."""


@dataclass(frozen=True, slots=True)
class Locations:
    """The four places, and the files in them. Nothing is created by looking."""

    data: Path
    config_file: Path
    state: Path
    cache: Path

    @property
    def projects(self) -> Path:
        """The projects; the list of folders is the list of projects."""
        return self.data / "projects"

    def index(self, project_id: str) -> Path:
        """The index of one of them."""
        return self.projects / project_id / INDEX

    @property
    def trash(self) -> Path:
        """Deleted projects, until emptied."""
        return self.data / "trash"

    @property
    def instances(self) -> Path:
        """One locked file for each running instance on this data directory."""
        return self.data / "instances"

    @property
    def spill(self) -> Path:
        """Records whose own project refused them."""
        return self.state / "spill"

    @property
    def log_file(self) -> Path:
        """Named steps of every job and save, one JSON object a line, without secrets."""
        return self.state / "log.jsonl"

    @property
    def sandbox(self) -> Path:
        """The sandbox's requests and rendered files."""
        return self.state / "sandbox"

    @property
    def catalogues(self) -> Path:
        """What providers offered when last asked, for when they cannot be reached."""
        return self.cache / "catalogues"

    @property
    def uploads_file(self) -> Path:
        """Which local files lie at which provider, and until when."""
        return self.cache / "uploads.json"

    @property
    def posters(self) -> Path:
        """Small pictures of media, made once."""
        return self.cache / "posters"


def find_locations(data_dir: Path | None = None, config_file: Path | None = None) -> Locations:
    """The locations: the arguments win, then ``MEDIATUI_DATA_DIR`` and ``MEDIATUI_CONFIG``, then the platform's own.

    A data directory given here or by the environment gets a state folder of its own below the platform's,
    so that two data directories share nothing but the cache, and the spill file lies on another file
    system than a data directory on a full or read-only disk. Raises `RuntimeError`, in words, for the home of
    somebody unknown.
    """
    given_data, given_config = data_dir or _from_environment(DATA_DIR), config_file or _from_environment(CONFIG)
    config = _whole(given_config) if given_config else platformdirs.user_config_path(APP) / "config.toml"
    if given_data is not None:
        data = _whole(given_data)
        key = f"{zlib.crc32(os.fsencode(data)):08x}"  # a name, no proof; hashlib would load OpenSSL for it
        return Locations(
            data=data,
            config_file=config,
            state=platformdirs.user_state_path(APP) / f"at-{key}",
            cache=platformdirs.user_cache_path(APP),
        )
    return Locations(
        data=platformdirs.user_data_path(APP),
        config_file=config,
        state=platformdirs.user_state_path(APP),
        cache=platformdirs.user_cache_path(APP),
    )


def _from_environment(variable: str) -> Path | None:
    text = os.environ.get(variable)
    return Path(text) if text else None


def _whole(path: Path) -> Path:
    """The absolute path; no shell spells out the ``~`` of ``--config=~/x`` or of a variable in a unit file."""
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # ~name of somebody unknown
        raise RuntimeError(f"cannot use {path}: {error}") from None


def expanded(path: Path) -> Path:
    """The path with ``~`` as the home folder; as it is where that is the home of nobody here."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
