"""TinyDB on a journal: its `Storage`, `Table` and `TinyDB`, extended at their documented points.

TinyDB's own insert, update, upsert and remove run unchanged; they are shown an `Overlay` of the table, and
what they did to it becomes one commit. Documents given out are copies: editing one changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from tinydb import TinyDB
from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Document, Table

from mediatui.library.journal_file import JournalFile
from mediatui.library.record import Changes, Doc, Tables, clone
from mediatui.library.replay import Damage, Schema

__all__ = ["Damage", "JournalDB", "JournalFile", "JournalStorage", "JournalTable", "Overlay", "Schema"]

RECORD_TABLES = ("items", "jobs", "project")
"""Tables whose documents carry their own identifier in the field ``id``."""


def document_id(key: str) -> int | str:
    """A document's id as TinyDB users know it: the numbers it gave are numbers, other identifiers are text."""
    return int(key) if len(key) < 16 and key.isdecimal() and str(int(key)) == key else key


class JournalStorage(Storage):
    """A TinyDB storage on a `JournalFile`; whole states written by foreign code are stored as what changed."""

    def __init__(self, path: str | Path, schema: Schema | None = None, *, initial: Callable[[], Tables] = dict) -> None:
        self.journal = JournalFile(Path(path).absolute(), schema, initial=initial)

    def read(self) -> dict[str, dict[str, Doc]]:
        """The live tables, by name; documents must not be edited in place."""
        return dict(self.journal.tables)

    def write(self, data: Mapping[str, Mapping[str, Doc]]) -> None:
        """Make the tables what `data` says, in one commit. Raises `StorageError`."""
        with self.transaction():
            held = self.journal.tables
            changes: Changes = dict.fromkeys(held.keys() - data.keys())
            for name, table in data.items():
                old, new = held.get(name, {}), {str(key): doc for key, doc in table.items()}
                change: dict[str, Doc | None] = {k: doc for k, doc in new.items() if old.get(k) != doc}
                change.update(dict.fromkeys(old.keys() - new.keys()))
                if change or name not in held:
                    changes[name] = change
            self.journal.commit(changes)

    def transaction(self) -> AbstractContextManager[None]:
        """Hold the lock, with other instances' commits applied."""
        return self.journal.transaction()

    def close(self) -> None:
        """Close the file."""
        self.journal.close()


class JournalDocument(Document):
    """A document that shares nothing with the table it came from."""

    def __init__(self, value: Mapping[str, Any], doc_id: int | str) -> None:
        super().__init__(clone(dict(value)), cast(int, doc_id))


class TableView(Mapping[str, Doc]):
    """A live table to read from while other threads commit: every walk is over a copy of its keys and values."""

    def __init__(self, table: dict[str, Doc]) -> None:
        self._table = table

    def __getitem__(self, key: str) -> Doc:
        return self._table[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._table))

    def __len__(self) -> int:
        return len(self._table)

    def items(self) -> Any:
        """Pairs of key and document, copied at once."""
        return self._table.copy().items()


class Overlay(MutableMapping[Any, Doc]):
    """A table as an updater sees it: every document is copied before it is touched, and noted."""

    def __init__(self, base: Mapping[str, Doc]) -> None:
        self._base = base
        self._touched: dict[str, Doc | None] = {}

    def __getitem__(self, key: object) -> Doc:
        name = str(key)
        if name not in self._touched:
            self._touched[name] = clone(self._base[name])
        doc = self._touched[name]
        if doc is None:
            raise KeyError(key)
        return doc

    def __setitem__(self, key: object, doc: Doc) -> None:
        self._touched[str(key)] = doc

    def __delitem__(self, key: object) -> None:
        if key not in self:
            raise KeyError(key)
        self._touched[str(key)] = None

    def __contains__(self, key: object) -> bool:
        name = str(key)
        return self._touched[name] is not None if name in self._touched else name in self._base

    def __iter__(self) -> Iterator[int | str]:
        known = [key for key in self._base if key in self]
        fresh = [key for key, doc in self._touched.items() if doc is not None and key not in self._base]
        return iter([document_id(key) for key in known + fresh])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Remove every document."""
        self._touched = dict.fromkeys(self._base)

    def changes(self) -> dict[str, Doc | None]:
        """What was really done, compared with the table underneath."""
        return {
            key: doc
            for key, doc in self._touched.items()
            if (key in self._base or doc is not None) and self._base.get(key) != doc
        }


class JournalTable(Table):
    """A TinyDB table whose every change is one durable commit. Raises `StorageError` where TinyDB would write."""

    document_class = JournalDocument
    document_id_class = cast(Any, staticmethod(document_id))
    default_query_cache_capacity = 0  # a search over memory is cheap; an answer from before a foreign commit is wrong

    def __init__(self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False) -> None:
        self._next_number_at = -1
        super().__init__(storage, name, cache_size, persist_empty)

    @property
    def _journal(self) -> JournalFile:
        return cast(JournalStorage, self._storage).journal

    def insert(self, document: Mapping[str, Any]) -> int:
        """As TinyDB's; in `RECORD_TABLES` a document is filed under its own ``id``."""
        with self._journal.transaction():
            return super().insert(self._own(document))

    def insert_multiple(self, documents: Iterable[Mapping[str, Any]]) -> list[int]:
        """As TinyDB's, in one commit."""
        with self._journal.transaction():
            return super().insert_multiple(map(self._own, documents))

    def upsert(self, document: Mapping[str, Any], cond: QueryLike | None = None) -> list[int]:
        """As TinyDB's, with nobody else's commit between the search and the insert."""
        with self._journal.transaction():
            own = self._own(document) if isinstance(document, Document) or cond is None else document
            return super().upsert(own, cond)

    def update(
        self,
        fields: Mapping[str, Any] | Callable[[MutableMapping[str, Any]], None],
        cond: QueryLike | None = None,
        doc_ids: Iterable[int] | None = None,
    ) -> list[int]:
        """As TinyDB's; with a condition only the documents it finds are copied."""
        with self._journal.transaction():
            return (
                super().update(fields, None, self._hits(cond))
                if doc_ids is None and cond is not None
                else super().update(fields, cond, doc_ids)
            )

    def remove(self, cond: QueryLike | None = None, doc_ids: Iterable[int] | None = None) -> list[int]:
        """As TinyDB's; with a condition only the documents it finds are copied."""
        with self._journal.transaction():
            return (
                super().remove(None, self._hits(cond))
                if doc_ids is None and cond is not None
                else super().remove(cond, doc_ids)
            )

    def _hits(self, cond: QueryLike) -> list[int]:
        return [cast(int, document_id(key)) for key, doc in self._read_table().items() if cond(cast(Any, doc))]

    def _own(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document with the id it is to be filed under, where it brings one."""
        if isinstance(document, Document) and not isinstance(document, JournalDocument):
            return JournalDocument(document, document.doc_id)
        if isinstance(document, Document) or not isinstance(document, Mapping):
            return document
        own = document.get("id") if self.name in RECORD_TABLES else None
        return JournalDocument(document, own) if isinstance(own, str) and own else document

    def _get_next_id(self) -> int:
        """One more than the highest number in use, also by other instances."""
        base = cast(Any, self)  # TinyDB keeps the next number in an attribute it declares as None
        if base._next_id is None or self._next_number_at != self._journal.foreign_commits:
            numbers = (found for key in self._read_table() if isinstance(found := document_id(key), int))
            base._next_id = max(numbers, default=0) + 1
            self._next_number_at = self._journal.foreign_commits
        number: int = base._next_id
        base._next_id = number + 1
        return number

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        return cast(dict[str, Mapping[str, Any]], TableView(self._journal.tables.get(self.name, {})))

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        with self._journal.transaction():
            held = self._journal.tables
            view = Overlay(held.get(self.name, {}))
            updater(view)
            changes = view.changes()
            if changes or self.name not in held:
                self._journal.commit({self.name: changes})
        self.clear_cache()


class JournalDB(TinyDB):
    """TinyDB on a journal: ``JournalDB(path)``, with TinyDB's tables, queries and operations."""

    table_class = JournalTable
    default_storage_class = cast(Any, JournalStorage)
    default_table_name = "items"

    @property
    def journal(self) -> JournalFile:
        """The file underneath."""
        return cast(JournalStorage, self.storage).journal
