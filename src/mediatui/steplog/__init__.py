"""The step log: what happened to every job and item, one JSON object a line, without secrets or prompts."""

from __future__ import annotations

from mediatui.steplog.read import Tail, belongs, logged_names, read_steps
from mediatui.steplog.step import FAILED, OK, STOPPED, Step, StepName
from mediatui.steplog.write import Running, Steps

__all__ = [
    "FAILED",
    "OK",
    "STOPPED",
    "Running",
    "Step",
    "StepName",
    "Steps",
    "Tail",
    "belongs",
    "logged_names",
    "read_steps",
]
