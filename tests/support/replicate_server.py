"""A small Replicate on loopback."""

from __future__ import annotations

from typing import Any

from tests.support.loopback import Call, LoopbackService, Reply

CREATED = "2026-11-20T10:00:00.123456Z"
COMPLETED = "2026-11-20T10:00:09.5Z"


class ReplicateServer(LoopbackService):
    """Answers like api.replicate.com under ``/v1``; `prediction` is what a poll finds."""

    def __init__(self) -> None:
        super().__init__()
        self.official = True
        self.listed: list[dict[str, Any]] = []

    @property
    def api(self) -> str:
        """The base address of the API."""
        return f"{self.url}/v1"

    def step(self, call: Call) -> str:
        path = call.path.removeprefix("/v1")
        if path.startswith("/files/"):
            return "file"
        if path == "/files":
            return "upload"
        if path.startswith("/collections/"):
            return "collection"
        if path.endswith("/predictions"):
            return "submit" if call.method == "POST" else "list"
        if path.startswith("/predictions/"):
            return "cancel" if path.endswith("/cancel") else "poll"
        if call.method == "QUERY":
            return "search"
        if path.startswith("/deployments/"):
            return "deployment"
        return ("version" if "/versions/" in path else "model") if path.startswith("/models/") else "unknown"

    def prediction(self, status: str = "succeeded", **more: Any) -> dict[str, Any]:
        """A prediction as Replicate shows it."""
        base = f"{self.api}/predictions/p1"
        document = {
            "id": "p1",
            "model": "acme/painter",
            "version": "hidden",
            "status": status,
            "input": {"prompt": "a fox"},
            "output": None,
            "logs": "",
            "error": None,
            "created_at": CREATED,
            "data_removed": False,
            "urls": {"get": base, "cancel": f"{base}/cancel", "web": "https://replicate.com/p/p1"},
        }
        return {**document, **more}

    def on_submit(self, call: Call) -> Reply:
        return Reply(201, self.prediction("starting"))

    def on_poll(self, call: Call) -> Reply:
        output = [f"{self.url}/files/a.png"]
        return Reply(body=self.prediction(output=output, completed_at=COMPLETED, logs="Using seed: 42\n 100%|##| 4/4"))

    def on_cancel(self, call: Call) -> Reply:
        return Reply(body=self.prediction("canceled"))

    def on_list(self, call: Call) -> Reply:
        return Reply(body={"next": None, "previous": None, "results": self.listed})

    def on_upload(self, call: Call) -> Reply:
        return Reply(201, {"id": "f1", "urls": {"get": f"{self.api}/files/f1"}})

    def on_search(self, call: Call) -> Reply:
        return Reply(body={"next": None, "results": [self.model()]})

    def on_collection(self, call: Call) -> Reply:
        slug = call.path.rpartition("/")[2]
        return Reply(body={"slug": slug, "models": [self.model(), self.model(name=f"{slug}-one")]})

    def on_model(self, call: Call) -> Reply:
        return Reply(body=self.model())

    def on_version(self, call: Call) -> Reply:
        return Reply(body=self.version())

    def on_deployment(self, call: Call) -> Reply:
        return Reply(body={"current_release": {"model": "acme/painter", "version": "v" * 64}})

    def model(self, **more: Any) -> dict[str, Any]:
        """A model as the catalogue shows it."""
        example = {"input": {"prompt": "x"}, "output": ["https://replicate.delivery/x/out.mp4"]}
        document = {
            "owner": "acme",
            "name": "painter",
            "description": "Paints.",
            "is_official": self.official,
            "default_example": example,
            "latest_version": self.version(),
        }
        return {**document, **more}

    def version(self) -> dict[str, Any]:
        """A version with its schema."""
        properties = {
            "seed": {"type": "integer", "x-order": 3},
            "image": {"type": "string", "format": "uri", "x-order": 1},
            "prompt": {"type": "string", "x-order": 0, "title": "Prompt"},
            "ratio": {"allOf": [{"$ref": "#/components/schemas/ratio"}], "default": "1:1", "x-order": 2},
        }
        schemas = {
            "TrainingInput": {"properties": {"wrong": {"type": "string"}}},
            "ratio": {"enum": ["1:1", "16:9"], "type": "string"},
            "Input": {"type": "object", "required": ["prompt"], "properties": properties},
        }
        body: dict[str, Any] = {"content": {"application/json": {"schema": {"properties": {"input": {}}}}}}
        paths = {"/predictions": {"post": {"requestBody": body}}}
        return {"id": "a" * 64, "openapi_schema": {"paths": paths, "components": {"schemas": schemas}}}
