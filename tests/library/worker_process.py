"""What the other processes in these tests do: ``worker_process.py VERB INDEX ARGUMENTS…``, one line out per commit."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import cast

from mediatui.errors import StorageError
from mediatui.library import journal_file
from mediatui.library.journal import JournalDB


def insert_and_count(path: Path, name: str, count: int) -> None:
    """Insert `count` documents of our own, and add one to a shared counter as often."""
    db = JournalDB(path)
    for n in range(count):
        db.insert({"id": f"{name}-{n}"})
        db.table("counters").update(lambda doc: doc.update(n=doc["n"] + 1))


def write_until_killed(path: Path, name: str) -> None:
    """Put, change and remove documents; say after each commit what now holds."""
    journal_file.COMPACT_FROM = 5
    number = 0
    while True:
        db = JournalDB(path)  # reopening compacts
        for _ in range(8):
            number += 1
            key = f"{name}-{number % 7}"
            if number % 5 == 0:
                db.remove(doc_ids=[cast("int", key)])  # TinyDB declares numbers
                number_held = 0
            else:
                size = (number * 7919) % 3000
                doc = {"id": key, "number": number, "text": "x" * size}
                db.upsert(doc, lambda found, key=key: found["id"] == key)
                number_held = number
            print(key, number_held, flush=True)
        db.close()


def refuse_to_write(path: Path) -> None:
    """Read everything, try to write as a user without permission, and show that memory is as before."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    db = JournalDB(path)
    before = db.all()
    try:
        db.insert({"id": "new"})
    except StorageError as exc:
        print(type(exc).__name__, len(before), db.all() == before, db.journal.read_only)


def fill_up(path: Path, limit: int) -> None:
    """Insert until no file may grow beyond `limit` bytes; say what is held; go on with the limit lifted."""
    import resource

    db = JournalDB(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    number = 0
    try:
        while True:
            db.insert({"id": f"i{number}", "text": "x" * 500})
            number += 1
    except StorageError as exc:
        print(type(exc).__name__, number, len(db), len(JournalDB(path)), flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    db.insert({"id": "after"})
    print(len(db), len(JournalDB(path)), db.journal.damage == (), flush=True)


def main() -> None:
    verb, path, *arguments = sys.argv[1:]
    values = [int(argument) if argument.isdecimal() else argument for argument in arguments]
    globals()[verb](Path(path), *values)


if __name__ == "__main__":
    main()
