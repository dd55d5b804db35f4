"""What a command is given: its arguments, the settings and places to use, and its output."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from mediatui.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from mediatui.cli.output import Output
    from mediatui.locations import Locations
    from mediatui.settings import Settings
    from mediatui.studio.reading import Reader
    from mediatui.studio.studio import Studio


class Context:
    """One run of one command."""

    def __init__(self, args: argparse.Namespace, output: Output) -> None:
        self.args = args
        self.output = output

    @cached_property
    def locations(self) -> Locations:
        """The directories to use; raises `UsageError` for a data directory that can be none."""
        from mediatui.locations import find_locations

        try:
            found = find_locations(self.args.data_dir, self.args.config)
        except RuntimeError as error:
            raise UsageError(str(error)) from None
        if os.path.exists(found.data) and not os.path.isdir(found.data):
            raise UsageError(f"{found.data} is not a folder", hint="Name the folder of the projects with --data-dir.")
        return found

    @cached_property
    def settings(self) -> Settings:
        """The settings; raises `UsageError` when the configuration is not understood."""
        from mediatui.config_file import load_settings
        from mediatui.locations import CONFIG

        file = self.locations.config_file
        settings = load_settings(file, sandbox=self.args.sandbox)
        if (self.args.config is not None or os.environ.get(CONFIG)) and not os.path.exists(file):
            self.output.note(f"{file} does not exist; every setting has its default")
        return settings

    def _for_this_run(self) -> Settings:
        """The settings with the hosts that were allowed on the command line. Raises `UsageError`."""
        allowed = getattr(self.args, "allow_hosts", None)
        if not allowed:
            return self.settings
        from dataclasses import replace

        from mediatui.settings import host_names

        try:
            return replace(self.settings, allow_hosts=(*self.settings.allow_hosts, *host_names(allowed)))
        except ValueError as exc:
            raise UsageError(
                f"--allow-host must be {exc}", hint="For example: --allow-host media.example.com"
            ) from None

    @contextmanager
    def reader(self, *, tells: bool = True) -> Iterator[Reader]:
        """The library as it is on disk, without an engine. In the end it `tells` which projects could not be read."""
        from mediatui.studio.reading import Reader

        reader = Reader(self.locations)
        try:
            yield reader
        finally:
            reader.close()
            if tells:
                for project_id, error in reader.troubles.items():
                    self.output.note(f"project {project_id}: {error.message}")

    def tell_unreadable(self, studio: Studio) -> None:
        """Name the projects that could not be read: what is shown is not all there is."""
        for project in studio.projects().result():
            if not project.opened:
                self.output.note(f"project {project.id}: {project.notice}")

    @contextmanager
    def studio(self, *, looks: bool = False) -> Iterator[Studio]:
        """A running studio; for a command that only `looks` it makes nothing in the data directory."""
        from mediatui.studio.studio import Studio

        studio = Studio(self._for_this_run(), self.locations)
        studio.start(follow=False, seen=not looks)
        try:
            yield studio
        finally:
            studio.stop()
