"""Every shape of error that fal is known to send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediatui.errors import ErrorKind, ExitCode, ProviderError
from mediatui.providers.fal_errors import error_from_completed, error_from_response

LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
NO_KEY = "No user found for Key ID and Secret"


def model_error(kind: str, msg: str = "said so", **more: Any) -> dict[str, Any]:
    return {"detail": [{"loc": ["body", "image_url"], "msg": msg, "type": kind, "url": "https://docs", **more}]}


SHAPES: list[tuple[int, Any, dict[str, str], ErrorKind, str]] = [
    (401, {"detail": NO_KEY}, {}, ErrorKind.AUTH, NO_KEY),
    (401, b"", {}, ErrorKind.AUTH, "the provider answered 401 while asking"),
    (403, {"detail": LOCKED}, {}, ErrorKind.BILLING, LOCKED),
    (403, {"detail": "Forbidden"}, {}, ErrorKind.AUTH, "Forbidden"),
    (402, {"detail": "Payment required"}, {}, ErrorKind.BILLING, "Payment required"),
    (404, {"detail": "Application 'x' not found"}, {}, ErrorKind.NOT_FOUND, "Application 'x' not found"),
    (404, {"status": "NOT_FOUND"}, {}, ErrorKind.NOT_FOUND, "the provider answered 404 while asking"),
    (405, {"detail": "Method Not Allowed"}, {}, ErrorKind.UNSUPPORTED, "Method Not Allowed"),
    (410, b"gone", {"Content-Type": "text/plain"}, ErrorKind.EXPIRED, "gone"),
    (429, model_error("concurrent_requests_limit"), {"X-Fal-Needs-Retry": "1"}, ErrorKind.RATE_LIMITED, "said so"),
    (429, {"detail": "Too many"}, {"Retry-After": "7"}, ErrorKind.RATE_LIMITED, "Too many"),
    (499, {"detail": "x", "error_type": "client_cancelled"}, {}, ErrorKind.CANCELLED, "x"),
    (500, model_error("internal_server_error"), {"X-Fal-Retryable": "true"}, ErrorKind.TRANSIENT, "said so"),
    (500, model_error("internal_server_error"), {"x-fal-needs-retry": "0"}, ErrorKind.INTERNAL, "said so"),
    (504, model_error("generation_timeout"), {}, ErrorKind.TRANSIENT, "said so"),
    (400, model_error("downstream_service_error"), {"X-Fal-Retryable": "1"}, ErrorKind.TRANSIENT, "said so"),
    (400, model_error("downstream_service_error"), {}, ErrorKind.INTERNAL, "said so"),
    (500, {"detail": "oops", "error_type": "runner_server_error"}, {}, ErrorKind.TRANSIENT, "oops"),
    (502, b"<html><body>nginx</body></html>", {"Content-Type": "text/html"}, ErrorKind.TRANSIENT, "answered 502"),
    (503, {"detail": "x", "error_type": "runner_scheduling_failure"}, {}, ErrorKind.TRANSIENT, "x"),
    (504, {"detail": "x", "error_type": "request_timeout"}, {}, ErrorKind.TRANSIENT, "x"),
    (400, {"detail": "x", "error_type": "bad_request"}, {}, ErrorKind.INVALID_INPUT, "x"),
    (422, {"detail": "text alone"}, {}, ErrorKind.INVALID_INPUT, "text alone"),
    (422, model_error("content_policy_violation"), {}, ErrorKind.POLICY, "said so"),
    (422, model_error("no_media_generated"), {}, ErrorKind.POLICY, "said so"),
    (422, {"detail": "x", "error_type": "content_policy_violation"}, {}, ErrorKind.POLICY, "x"),
    (422, {"detail": []}, {}, ErrorKind.INVALID_INPUT, "the provider answered 422"),
    (422, {"detail": ["x", None]}, {}, ErrorKind.INVALID_INPUT, "the provider answered 422"),
    (400, {"error": {"type": "validation_error", "message": "bad cursor"}}, {}, ErrorKind.INVALID_INPUT, "bad cursor"),
    (500, {"error": "Internal", "message": "try later"}, {}, ErrorKind.TRANSIENT, "Internal: try later"),
    (422, b'{"detail": "\xff\xfe dark"}', {}, ErrorKind.INVALID_INPUT, "dark"),
    (422, b'{"detail": "dark", "ctx": NaN, "n": ' + b"9" * 5000 + b"}", {}, ErrorKind.INVALID_INPUT, "dark"),
    (422, {"detail": [{"loc": ["body", "seed"], "type": None}]}, {}, ErrorKind.INVALID_INPUT, "seed"),
    (308, b"<html>moved</html>", {}, ErrorKind.UNSUPPORTED, "redirect while asking; it was not followed"),
    (422, {"detail": {"message": "nested"}}, {}, ErrorKind.INVALID_INPUT, "nested"),
]


@pytest.mark.parametrize(("status", "body", "headers", "kind", "message"), SHAPES)
def test_shapes(status: int, body: Any, headers: dict[str, str], kind: ErrorKind, message: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = error_from_response(status, headers, raw, doing="asking")
    assert error.kind is kind
    assert message in error.message
    assert error.status == status
    assert "<html" not in error.message
    assert (error.exit_code is ExitCode.KEY_OR_BALANCE) is kind.stops_batch
    if kind in (ErrorKind.AUTH, ErrorKind.BILLING, ErrorKind.POLICY, ErrorKind.INVALID_INPUT, ErrorKind.RATE_LIMITED):
        assert error.hint
    assert error.retry_after == (7.0 if "Retry-After" in headers else None)


INVALID = [
    "image_too_small", "image_too_large", "image_load_error", "file_download_error", "face_detection_error",
    "file_too_large", "greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of",
    "sequence_too_short", "sequence_too_long", "one_of", "feature_not_supported", "invalid_archive",
    "audio_duration_too_long", "video_duration_too_short", "unsupported_image_format", "missing", "value_error",
    "enum", "string_type", "never_heard_of",
]  # fmt: skip


@pytest.mark.parametrize("kind", INVALID)
def test_model_errors_name_their_field_and_hide_the_input(kind: str) -> None:
    body = model_error(kind, input="https://private/prompt", ctx={"max_height": 5})
    error = error_from_response(422, {}, json.dumps(body).encode(), doing="asking")
    assert (error.kind, error.code) == (ErrorKind.INVALID_INPUT, kind)
    assert (error.message, error.fields) == ("image_url: said so", {"image_url": "said so"})
    assert "private" not in repr(vars(error))


COMPLETED = [
    ({"error": "broke", "error_type": "runner_disconnected"}, ErrorKind.TRANSIENT, "broke"),
    ({"error_type": "startup_timeout"}, ErrorKind.TRANSIENT, "startup_timeout"),
    ({"error": "bye", "error_type": "client_cancelled"}, ErrorKind.CANCELLED, "bye"),
    ({"error": LOCKED}, ErrorKind.BILLING, LOCKED),
    ({"error": "no", "error_type": "content_policy_violation"}, ErrorKind.POLICY, "no"),
    ({"error": {"message": "deep"}}, ErrorKind.INVALID_INPUT, "deep"),
    ({"error": model_error("no_media_generated")}, ErrorKind.POLICY, "said so"),
    ({"error": {"detail": "flat", "error_type": "runner_disconnected"}}, ErrorKind.TRANSIENT, "flat"),
    ({"error": {"type": "content_policy_violation", "message": "no"}}, ErrorKind.POLICY, "no"),
    ({"error": json.dumps(model_error("no_media_generated"))}, ErrorKind.POLICY, "said so"),
    ({"error": json.dumps({"message": LOCKED})}, ErrorKind.BILLING, LOCKED),
    ({"error": "[redacted] broke"}, ErrorKind.INVALID_INPUT, "[redacted] broke"),
    ({"error": "{" * 100_000, "error_type": "bad_request"}, ErrorKind.INVALID_INPUT, "{" * 499 + "…"),
    ({"error": True, "error_type": "internal_error"}, ErrorKind.TRANSIENT, "internal_error"),
    ({"error": 5}, ErrorKind.INVALID_INPUT, "the job failed at the provider"),
]


@pytest.mark.parametrize(("document", "kind", "message"), COMPLETED)
def test_a_completed_job_that_failed(document: dict[str, Any], kind: ErrorKind, message: str) -> None:
    error = error_from_completed(document)
    assert (error.kind, error.message) == (kind, message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["detail", "error", "message", "msg", "type", "loc", "error_type"]), inner)
    ),
    max_leaves=20,
)


@given(st.integers(300, 599), JSON | st.binary(max_size=60), st.dictionaries(st.text(max_size=5), st.text(max_size=9)))
def test_any_body_is_some_error(status: int, body: Any, headers: dict[str, str]) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = error_from_response(status, {"Retry-After": "soon", **headers}, raw, doing="asking")
    assert isinstance(error, ProviderError)
    assert error.message
    assert "\x1b" not in error.message
    assert "\n" not in error.message
    if isinstance(body, dict):
        assert error_from_completed(body).message
