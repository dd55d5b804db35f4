"""What a finished job does not say of itself, on the command line."""

from __future__ import annotations

from tests.cli.home import Home
from tests.support.fal_server import FalServer, Reply


def test_a_file_that_is_no_media_is_named_beside_those_that_are_saved(fal_home: Home, fal: FalServer) -> None:
    mesh = {"url": f"{fal.url}/files/m.glb", "content_type": "model/gltf-binary"}
    fal.script("result", Reply(body={"preview": {"url": f"{fal.url}/files/a.png"}, "model_mesh": mesh}))
    done = fal_home.run("generate", "x", "-m", "a/b", "-p", "demo", "--json")
    (job,) = done.document["jobs"]
    assert (done.code, len(done.document["items"])) == (0, 1)
    assert "also holds model_mesh" in done.err
    assert job["result_path"] in done.err
