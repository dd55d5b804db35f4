"""What to do next, by the names that the interface and the command line have for it; keys can be rebound."""

from __future__ import annotations

TRY_AGAIN = "“Retry saving” (`mediatui retry`)"
TRY_ALL_AGAIN = "“Save all unsaved” (`mediatui retry --all`)"
LOOK_AGAIN = "“Check the disk” (`mediatui check`)"
ONCE_IT_TAKES = "Once the disk takes it the job goes on by itself; so does `mediatui jobs resume`."
