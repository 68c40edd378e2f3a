"""A stand-in of the Hugging Face Hub on this machine, that can fail, forget and come back."""

import base64
import hashlib
import json
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from huggingface_hub import constants

REPO, TOKEN = "somebody/votes", "hf_secret"


class Hub(ThreadingHTTPServer):
    """The few routes of the Hugging Face Hub that are called here, over commits in memory.

    Args:
        repo: The one repository, "USER/NAME".
        kind: What it is, "dataset" or "model".
        port: 0 for any.
    """

    daemon_threads = True

    def __init__(self, repo=REPO, kind="dataset", port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.repo, self.kind = repo, kind
        self.place = f"datasets/{repo}" if kind == "dataset" else repo  # in addresses
        self.commits = {}  # sha: {name: bytes}, in order
        self.is_broken = False
        self.loses_answers = False  # a commit is made, but the answer is a failure
        self.intruder = None  # files that somebody else uploads just before a commit
        self.requests = []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def files(self):
        return list(self.commits.values())[-1] if self.commits else {}

    def commit(self, files):
        sha = hashlib.sha1(str(len(self.commits)).encode()).hexdigest()
        self.commits[sha] = files

    def rows(self, folder="votes"):
        """Every row of every file."""
        texts = (text for name, text in self.files.items() if name.startswith(f"{folder}/"))
        return [json.loads(line) for text in texts for line in text.decode().splitlines()]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def route(self):
        hub, body = self.server, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        hub.requests.append(self.path)
        if hub.is_broken:
            return self.answer(500, {"error": "broken"})
        if self.path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"error": "no token"})
        with hub.lock:
            if self.path == "/api/repos/create":
                return self.create(hub, json.loads(body))
            if not hub.commits:
                return self.answer(404, {"error": "none"}, X_Error_Code="RepoNotFound")
            api = f"/api/{hub.kind}s/{hub.repo}"
            if self.path in (api, f"{api}/revision/main"):
                return self.answer(200, {"id": hub.repo, "sha": list(hub.commits)[-1]})
            if match := re.match(rf"{api}/tree/(\w+)\?", self.path):
                return self.answer(200, [entry(*file) for file in hub.commits[match[1]].items()])
            if match := re.match(rf"/{hub.place}/resolve/(\w+)/(.+)", self.path):
                sha = list(hub.commits)[-1] if match[1] == "main" else match[1]
                if match[2] not in hub.commits[sha]:
                    return self.answer(404, {"error": "no such file"}, X_Error_Code="EntryNotFound")
                data = hub.commits[sha][match[2]]
                return self.answer(200, data, ETag=f'"{oid(data)}"', X_Repo_Commit=sha)
            if self.path == f"{api}/preupload/main":
                return self.answer(
                    200, {"files": [self.mode(f) for f in json.loads(body)["files"]]}
                )
            if self.path == f"{api}/commit/main":
                return self.commit(hub, list(map(json.loads, body.splitlines())))
        return self.answer(404, {"error": "no such route"})

    do_GET = do_HEAD = do_POST = route  # noqa: N815 - names of http.server

    def create(self, hub, wanted):
        assert f"{wanted['organization']}/{wanted['name']}" == hub.repo
        assert wanted.get("type", "model") == hub.kind
        assert hub.kind == "model" or wanted["visibility"] == "private"
        exists = bool(hub.commits)
        if not exists:
            hub.commit({".gitattributes": b"* text=auto\n"})
        self.answer(409 if exists else 200, {"url": f"{hub.url}/{hub.place}"})

    def mode(self, file):
        data = self.server.files.get(file["path"])
        mode = {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
        return mode | ({"oid": oid(data)} if data is not None else {})

    def commit(self, hub, lines):
        parent = lines[0]["value"].get("parentCommit")
        if parent and hub.intruder:
            hub.commit({**hub.files, **hub.intruder})
            hub.intruder = None
        if parent and parent != list(hub.commits)[-1]:
            return self.answer(412, {"error": "the branch has moved on"})
        added = {v["path"]: base64.b64decode(v["content"]) for v in (x["value"] for x in lines[1:])}
        hub.commit({**hub.files, **added})
        if hub.loses_answers:
            return self.answer(500, {"error": "lost"})
        sha = list(hub.commits)[-1]
        url = f"{hub.url}/{hub.place}/commit/{sha}"
        return self.answer(200, {"success": True, "commitOid": sha, "commitUrl": url})


def oid(data):
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


def entry(name, data):
    return {"type": "file", "path": name, "size": len(data), "oid": oid(data)}


@contextmanager
def running(hub):
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()


def turn_to(monkeypatch, url):
    """As HF_ENDPOINT does, which is read when the library is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    path = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + path)


def hurry(monkeypatch):
    """The library waits seconds before it repeats a failed request."""
    monkeypatch.setattr(
        "huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda _: time.sleep(0.01))
    )
