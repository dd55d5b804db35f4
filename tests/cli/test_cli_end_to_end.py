"""Whole commands as subprocesses against the sandbox: what they print, write and return."""

from __future__ import annotations

import hashlib
import json
import signal
import ssl
import subprocess
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.cli.home import PROGRAM, Done, Home, ended, read_until

VIDEO = "sandbox/text-to-video/fast"
AUDIO = "sandbox/text-to-audio"
IMAGE = "sandbox/text-to-image"
SHORT_VIDEO = ("-m", VIDEO, "--param", "duration=0.2", "--param", "resolution=180p")
SHORT_AUDIO = ("-m", AUDIO, "seconds_total=0.2")

ITEM_FIELDS = {
    *("id", "project", "name", "type", "role", "provider", "model", "prompt", "params", "job", "path", "url"),
    *("url_expires_at", "save_state", "storage_error", "file_size", "sha256", "crc32", "duration", "width"),
    *("height", "fps", "created_at", "file"),
}


def generate(home: Home, *arguments: str) -> Done:
    return home.run("generate", "a lighthouse at dusk", "-p", "demo", "--json", *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Any]]:
    """A home with one saved clip, and what making it printed. Tests only look at it."""
    home = Home(tmp_path_factory.mktemp("made"))
    done = generate(home, *SHORT_VIDEO, "--seed", "7")
    assert done.code == 0, done.err
    return home, done.document


def test_a_generation_is_saved_and_seen_by_a_new_process(made: tuple[Home, dict[str, Any]]) -> None:
    home, document = made
    (job,), (item,) = document["jobs"], document["items"]
    assert job["phase"] == "succeeded"
    listed = home.run("list", "--json").document["items"]
    assert [entry["id"] for entry in listed] == [item["id"]]
    found = listed[0]
    assert found["save_state"] == "saved"
    assert found["job"] == job["id"]
    data = Path(found["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == found["sha256"]
    assert len(data) == found["file_size"]
    assert (home.projects / "demo" / found["path"]).read_bytes() == data


def test_an_item_has_every_field(made: tuple[Home, dict[str, Any]]) -> None:
    home, document = made
    item = home.run("show", document["items"][0]["id"], "--json").document
    assert set(item) >= ITEM_FIELDS
    assert item["prompt"] == "a lighthouse at dusk"
    assert item["params"]["seed"] == 7
    assert item["params"]["duration"] == 0.2
    assert item["type"] == "video"


def test_ids_may_be_shortened(made: tuple[Home, dict[str, Any]]) -> None:
    home, document = made
    item_id = document["items"][0]["id"]
    job_id = document["jobs"][0]["id"]
    assert home.run("show", item_id[:6], "--json").document["id"] == item_id
    assert home.run("jobs", "show", job_id[:6], "--json").document["id"] == job_id
    assert home.run("show", item_id[-6:], "--json").document["id"] == item_id
    assert home.run("show", item_id[:3]).code == 2
    wrong = home.run("show", "nothing-like-that", "--json")
    assert wrong.code == 2
    assert wrong.document["error"]["code"] == 2


def test_lists_are_filtered(made: tuple[Home, dict[str, Any]]) -> None:
    home, _ = made

    def count(*arguments: str) -> int:
        return len(home.run("list", "--json", *arguments).document["items"])

    assert count("-p", "demo", "--state", "saved", "--type", "video") == 1
    assert count("--type", "image") == 0
    assert count("--state", "unsaved", "--state", "missing") == 0
    unknown = home.run("list", "-p", "dmo", "--json")
    assert unknown.code == 2
    assert "demo" in unknown.document["error"]["hint"]


def test_people_get_tables_and_paths(made: tuple[Home, dict[str, Any]]) -> None:
    home, document = made
    item = document["items"][0]
    listed = home.run("list").out
    assert item["id"] in listed
    assert "a lighthouse at dusk" in listed
    assert home.run("path", "item", item["id"]).out == item["file"] + "\n"
    assert home.run("path", "project", "demo").out == f"{home.projects / 'demo'}\n"
    assert document["jobs"][0]["id"] in home.run("jobs").out
    assert "demo" in home.run("projects").out


def test_the_doctor_finds_nothing_wrong_and_shows_no_key(made: tuple[Home, dict[str, Any]]) -> None:
    home, _ = made
    done = home.run("doctor", "--json", FAL_KEY="secret-0123456789")
    assert done.document["projects"][0]["items"] == 1
    assert done.document["provider"]["configured"]["fal"] == "key"
    assert "secret-0123456789" not in done.out + done.err
    assert (done.code == 1) == bool(done.document["problems"])


def test_an_export_matches_what_is_on_disk(made: tuple[Home, dict[str, Any]], tmp_path: Path) -> None:
    home, document = made
    target = tmp_path / "demo.zip"
    plan = home.run("export", "demo", "-o", str(target), "--plan", "--json")
    assert plan.code == 0
    assert not target.exists()
    done = home.run("export", "demo", "-o", str(target), "--json")
    assert done.code == 0, done.err
    assert done.document["path"] == str(target)
    assert done.document["missing"] == []
    item = document["items"][0]
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert hashlib.sha256(archive.read(item["path"])).hexdigest() == item["sha256"]
        manifest = json.loads(archive.read("manifest.json"))
    assert [entry["sha256"] for entry in manifest["items"]] == [item["sha256"]]


def test_an_export_replaces_nothing(made: tuple[Home, dict[str, Any]], tmp_path: Path) -> None:
    home, _ = made
    target = tmp_path / "precious.zip"
    target.write_bytes(b"precious")
    assert home.run("export", "demo", "-o", str(target)).code == 2
    assert target.read_bytes() == b"precious"


def test_a_vanished_file_is_saved_again(home: Home) -> None:
    item = generate(home, *SHORT_AUDIO).document["items"][0]
    Path(item["file"]).unlink()
    before = len(home.run("jobs", "--json").document["jobs"])
    done = home.run("retry", item["id"], "--json")
    assert done.code == 0, done.err
    assert done.document["saved"] == [item["id"]]
    again = done.document["items"][0]
    assert hashlib.sha256(Path(again["file"]).read_bytes()).hexdigest() == item["sha256"]
    assert len(home.run("jobs", "--json").document["jobs"]) == before
    twice = home.run("save", item["id"], "--json")
    assert (twice.code, twice.document["already"]) == (0, [item["id"]])


def test_several_models_make_one_job_each(home: Home) -> None:
    done = home.run(
        "generate", "-", "-p", "Zwei", "--json", *SHORT_AUDIO, "-m", IMAGE, "image_size=square", stdin="calm 夜 sea\n"
    )
    assert done.code == 0, done.err
    assert sorted(job["model"] for job in done.document["jobs"]) == [AUDIO, IMAGE]
    assert sorted(item["type"] for item in done.document["items"]) == ["audio", "image"]
    assert {item["prompt"] for item in done.document["items"]} == {"calm 夜 sea"}


def test_a_local_picture_becomes_a_video(home: Home) -> None:
    from PIL import Image

    Image.new("RGB", (64, 36), "teal").save(home.root / "start.png")
    done = generate(home, "-m", "sandbox/image-to-video", "--image", "start.png", "duration=0.2", "resolution=180p")
    assert done.code == 0, done.err
    assert done.document["items"][0]["type"] == "video"


def test_no_save_keeps_the_address_and_save_brings_it(home: Home) -> None:
    done = generate(home, *SHORT_AUDIO, "--no-save")
    assert done.code == 0, done.err
    item = done.document["items"][0]
    assert item["save_state"] != "saved"
    assert item["file"] is None
    assert item["url"]
    assert home.run("path", "item", item["id"]).code == 1
    saved = home.run("save", "--all", "--json")
    assert saved.code == 0, saved.err
    assert saved.document["items"][0]["save_state"] == "saved"


@pytest.mark.parametrize(
    ("fault", "code", "phase"),
    [("refused-prompt", 1, "failed"), ("job-fails", 1, "failed"), ("exhausted-balance", 4, "failed")],
)
def test_failures_have_their_exit_code(home: Home, fault: str, code: int, phase: str) -> None:
    done = generate(home, *SHORT_AUDIO, f"sandbox_fault={fault}")
    assert done.code == code, done.err
    job = done.document["jobs"][0]
    assert job["phase"] == phase
    assert job["error"]["message"] in done.err
    assert done.document["items"] == []


def test_what_cannot_be_downloaded_stays_and_is_said(home: Home) -> None:
    done = generate(home, *SHORT_AUDIO, "sandbox_fault=always-broken-download")
    assert done.code == 3, done.err
    item = done.document["items"][0]
    assert item["save_state"] == "unsaved"
    assert item["storage_error"]["message"] in done.err
    assert "retry --all" in home.run("list").err


def test_what_is_gone_at_the_provider_is_named_by_retry_and_export(home: Home) -> None:
    done = generate(home, *SHORT_AUDIO, "--no-save", "sandbox_fault=expiring-url", "sandbox_fault_seconds=0")
    assert done.code == 0, done.err
    item = done.document["items"][0]
    again = home.run("save", "--all", "--json")
    assert again.code == 3, again.err
    assert again.document["failed"] == [item["id"]]
    assert again.document["items"][0]["save_state"] == "expired"
    export = home.run("export", "demo", "-o", "partial.zip", "--json")
    assert export.code == 3, export.err
    assert [entry["item"] for entry in export.document["missing"]] == [item["id"]]


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "x"),
        ("generate", " ", "-m", VIDEO),
        ("generate", "x", "-m", VIDEO, "--param", "novalue"),
        ("generate", "x", "-m", VIDEO, "--image", "/nowhere.png"),
        ("list", "--nonsense"),
        ("retry",),
        ("save", "abcd", "--all"),
        ("show",),
        ("export", "no-such-project"),
        ("path", "project"),
        ("--json",),
    ],
    ids=" ".join,
)
def test_mistakes_exit_with_2_and_do_nothing(home: Home, arguments: tuple[str, ...]) -> None:
    done = home.run(*arguments, "--json")
    assert done.code == 2, done.err
    assert done.document["error"]["code"] == 2
    assert done.err.startswith("mediatui: ")
    assert "Traceback" not in done.err
    assert list(home.root.iterdir()) == []


def test_a_bad_setting_names_the_file(home: Home) -> None:
    config = home.configure("[save]\npolcy = 'automatic'\n")
    done = home.run("models")
    assert done.code == 2
    assert str(config) in done.err
    assert "save.policy" in done.err


def test_an_unknown_parameter_is_sent_with_a_warning(home: Home) -> None:
    done = generate(home, "-m", AUDIO, "seconds_totl=0.2", "seconds_total=0.2")
    assert "seconds_total" in done.err
    assert done.document["jobs"][0]["params"]["seconds_totl"] == 0.2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_generation_is_taken_up_again(home: Home, number: signal.Signals) -> None:
    process = home.start(
        "generate", "calm", "-p", "demo", "--json", *SHORT_AUDIO,
        "sandbox_fault=slow-queue", "sandbox_fault_seconds=3",
    )  # fmt: skip
    read_until(process, lambda line: "queued" in line)
    process.send_signal(number)
    done = ended(process)
    assert done.code == 130
    assert done.document["error"]["code"] == 130
    assert "jobs resume" in done.document["error"]["hint"]
    job_id = done.document["jobs"][0]["id"]
    resumed = home.run("jobs", "resume", "--json")
    assert resumed.code == 0, resumed.err
    assert [job["id"] for job in resumed.document["jobs"]] == [job_id]
    assert [item["save_state"] for item in resumed.document["items"]] == ["saved"]
    assert len(home.run("jobs", "--json").document["jobs"]) == 1


def test_a_detached_job_is_followed_by_resume(home: Home) -> None:
    done = generate(home, *SHORT_AUDIO, "--detach", "sandbox_fault=slow-queue", "sandbox_fault_seconds=2")
    assert done.code == 0, done.err
    (job,) = done.document["jobs"]
    assert job["phase"] in ("queued", "running")
    assert job["remote_id"]
    resumed = home.run("jobs", "resume", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.document["items"][0]["save_state"] == "saved"
    nothing = home.run("jobs", "resume", "--json")
    assert (nothing.code, nothing.document) == (0, {"jobs": [], "items": []})


def test_a_job_is_cancelled_and_dismissed(home: Home) -> None:
    slow = ("sandbox_fault=slow-queue", "sandbox_fault_seconds=60")
    job = generate(home, *SHORT_AUDIO, "--detach", *slow).document["jobs"][0]
    done = home.run("jobs", "cancel", job["id"], "--json")
    assert done.code == 0, done.err
    assert done.document["cancelled"] == [job["id"]]
    resumed = home.run("jobs", "resume", "--json")
    assert [found["phase"] for found in resumed.document["jobs"]] in ([], ["cancelled"])
    dismissed = home.run("jobs", "dismiss", "--all", "--json")
    assert dismissed.document == {"dismissed": 1, "asked": 1}
    assert home.run("jobs", "--json").document == {"jobs": []}


def test_projects_are_made_renamed_deleted_and_restored(home: Home) -> None:
    made = home.run("projects", "new", "Summer film", "--json").document["project"]
    assert made["id"] == "summer-film"
    assert home.run("projects", "new", "Summer film", "--json").code in (0, 2)
    renamed = home.run("projects", "rename", "summer-film", "Winter film", "--json").document["project"]
    assert (renamed["id"], renamed["name"]) == ("summer-film", "Winter film")
    policy = home.run("projects", "policy", "Winter film", "on-demand", "--json").document["project"]
    assert policy["save_policy"] == "on-demand"
    trashed = home.run("projects", "delete", "summer-film", "--json").document["trashed"]
    assert not (home.projects / "summer-film").exists()
    deleted = home.run("projects", "--deleted", "--json").document["deleted"]
    assert [entry["path"] for entry in deleted] == [trashed["path"]]
    assert home.run("projects", "restore", "summer-film").code == 0
    names = [project["name"] for project in home.run("projects", "--json").document["projects"]]
    assert "Winter film" in names


def test_the_sandbox_lists_its_models(home: Home) -> None:
    models = home.run("models", "--sandbox", "--json").document["models"]
    categories = {model["category"] for model in models}
    assert {"text-to-video", "image-to-video", "text-to-image", "text-to-audio"} <= categories
    assert all(model["id"] and model["name"] for model in models)
    audio = home.run("models", "--provider", "sandbox", "--category", "text-to-audio", "--json").document["models"]
    assert {model["category"] for model in audio} == {"text-to-audio"}
    assert home.run("models", "--provider", "elsewhere").code == 2


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_the_sandbox_serves_until_it_is_interrupted(home: Home, tls: bool) -> None:
    process = home.start("sandbox", "--json", *(["--tls"] if tls else []))
    assert process.stdout is not None
    document = json.loads(process.stdout.readline())
    context = ssl.create_default_context(cafile=document["certificate"]) if tls else None
    request = urllib.request.Request(
        f"{document['url']}/v1/models", headers={"Authorization": f"Key {document['key']}"}
    )
    with urllib.request.urlopen(request, context=context) as answer:
        assert answer.status == 200
    scheme = "https" if tls else "http"
    at_once = urllib.request.Request(
        f"{scheme}://{document['environment']['FAL_RUN_HOST']}/sandbox/text-to-image",
        data=b'{"prompt": "a fox"}',
        headers={"Authorization": f"Key {document['key']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(at_once, context=context) as answer:
        assert json.load(answer)["images"], (
            "where fal's clients run a request they get what it made, not a place in a queue"
        )
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert (done.code, done.out) == (0, "")


def test_a_reader_that_goes_away_is_no_failure(made: tuple[Home, dict[str, Any]]) -> None:
    home, _ = made
    process = home.start("list")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait() == 141
    process.stderr.close()
    assert err == ""


def test_an_output_that_takes_nothing_is_said(made: tuple[Home, dict[str, Any]]) -> None:
    home, _ = made
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "list"], stdout=full, stderr=subprocess.PIPE, encoding="utf-8", env=home.environment, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "mediatui: cannot write the output: No space left on device\n"


def test_one_unreadable_project_hides_no_other(home: Home) -> None:
    item = generate(home, *SHORT_AUDIO).document["items"][0]
    (home.projects / "broken" / "index.jsonl").mkdir(parents=True)
    listed = home.run("list", "--json")
    assert listed.code == 0, listed.err
    assert [entry["id"] for entry in listed.document["items"]] == [item["id"]]
    assert [entry["project"] for entry in listed.document["unreadable"]] == ["broken"]
    assert "broken" in listed.err
    assert item["job"] in home.run("jobs").out
    assert home.run("show", item["id"][:8], "--json").document["id"] == item["id"]
    doctor = home.run("doctor", "--json")
    assert doctor.code == 1
    assert [problem for problem in doctor.document["problems"] if "broken" in problem]


def test_the_doctor_works_with_a_bad_setting_and_a_broken_place(home: Home) -> None:
    config = home.root / "mine.toml"
    config.write_text("polcy = 1\n")
    home.projects.parent.mkdir(parents=True)
    home.projects.write_bytes(b"")
    done = home.run("doctor", "--json", "--config", str(config))
    assert done.code == 1
    assert [problem for problem in done.document["problems"] if str(config) in problem]
    assert [problem for problem in done.document["problems"] if str(home.projects) in problem]
