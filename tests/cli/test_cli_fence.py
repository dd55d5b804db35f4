"""Every failure ends in words and an exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mediatui.cli.context import Context
from mediatui.cli.fence import Interrupted, run_fenced
from mediatui.cli.main import INTERRUPTED, build_parser, main
from mediatui.errors import ErrorKind, ExitCode, ProviderError, SaveError, SaveErrorKind


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("data", "config", "state", "cache"):
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(tmp_path / kind))
    return tmp_path / "state" / "mediatui"


def end(error: BaseException) -> int:
    def run(context: Context) -> int:
        raise error

    return run_fenced(["path", "--json"], build_parser, run)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderError(ErrorKind.AUTH, "the key was refused", hint="Check FAL_KEY."), 4),
        (ProviderError(ErrorKind.POLICY, "the prompt was refused"), 1),
        (SaveError(SaveErrorKind.FULL, "the disk is full"), 3),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures_become_exit_codes(error: BaseException, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert end(error) == code


def test_an_interruption_tells_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(Interrupted("interrupted", hint="Later.", document={"jobs": [{"id": "a"}]})) == 130
    document = json.loads(capsys.readouterr().out)
    assert document["jobs"] == [{"id": "a"}]
    assert document["error"]["hint"] == "Later."


def test_a_defect_leaves_a_private_report_and_no_traceback(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert end(ZeroDivisionError("with api_key=abcdef0123456789")) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["code"] == 1
    assert "ZeroDivisionError" in captured.err
    assert "Traceback" not in captured.err
    (report,) = state.glob("crash-*.txt")
    assert str(report) in captured.err
    assert report.stat().st_mode & 0o777 == 0o600
    assert "ZeroDivisionError" in report.read_text()
    assert "abcdef0123456789" not in report.read_text()


def test_a_home_that_is_not_there_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_fenced(["path", "--data-dir", "~nobody-of-that-name/x"], build_parser, lambda c: c.args.run(c)) == 2
    assert "nobody-of-that-name" in capsys.readouterr().err


def test_an_interruption_before_there_is_a_fence_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Pressed:
        """Ctrl+C while the fence itself is being imported."""

        def find_spec(self, name: str, *_: object) -> None:
            if name == "mediatui.cli.fence":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "mediatui.cli.fence")
    monkeypatch.setattr(sys, "meta_path", [Pressed(), *sys.meta_path])
    assert main(["list"]) == ExitCode.INTERRUPTED == INTERRUPTED
    assert capsys.readouterr().err == ""
