"""Whether a disk keeps what it is given: crash and fault checks that a person can run where their projects lie."""

from __future__ import annotations
