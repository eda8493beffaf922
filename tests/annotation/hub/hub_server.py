"""A Hub on the loopback interface: enough of its HTTP interface for the real `huggingface_hub` and `datasets`.

Files are committed inline (upload mode `regular`); the chunk store of the real Hub for large files is not here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN = "hf_standintokenfortests"


@dataclass
class Repository:
    private: bool = False
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    def commit(self, files: dict[str, bytes]) -> str:
        content = repr([(name, hashlib.sha1(data).hexdigest()) for name, data in sorted(files.items())])
        sha = hashlib.sha1(f"{len(self.commits)}{content}".encode()).hexdigest()
        self.commits.append((sha, files))
        return sha

    def find(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision == "main":
            return self.commits[-1]
        return next((commit for commit in self.commits if commit[0] == revision), None)


class FakeHub:
    """The state of the stand-in.

    `faults` maps a substring of a path to how many 501 answers it gets (other codes the client retries by itself).
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: Counter[str] = Counter()
        self.faults: dict[str, int] = {}
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, name: str, files: dict[str, bytes], *, private: bool = False) -> str:
        repository = self.repositories.setdefault(name, Repository(private))
        return repository.commit(files)

    def files(self, name: str) -> dict[str, bytes]:
        return self.repositories[name].commits[-1][1]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"
    timeout = 5

    def log_message(self, format: str, *args: object) -> None:
        return

    def _handle(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.body = self._read_chunks()
        self.query = parse_qs(url.query, keep_blank_values=True)
        self.hub.requests[f"{self.command} {path}"] += 1
        for part, left in self.hub.faults.items():
            if part in path and left > 0:
                self.hub.faults[part] = left - 1
                self._reply(501, {"error": "busy"})
                return
        for method, pattern, action in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split():
                action(self, **{name: value for name, value in match.groupdict().items() if value is not None})
                return
        self._reply(404, {"error": "no such route"})

    def _read_chunks(self) -> bytes:
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _reply(self, status: int, content: object = b"", headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(data))} | (headers or {})
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _open(self, repo: str, revision: str = "main") -> tuple[str, dict[str, bytes]] | None:
        repository = self.hub.repositories.get(repo)
        authorised = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repository is None or (repository.private and not authorised):
            self._reply(401, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return None
        commit = repository.find(revision)
        if commit is None:
            self._reply(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        return commit

    def whoami(self) -> None:
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        self._reply(200 if known else 401, {"name": "tester", "type": "user"} if known else {"error": "no token"})

    def show(self, repo: str, revision: str = "main") -> None:
        if commit := self._open(repo, revision):
            sha, files = commit
            card = files.get("README.md", b"").decode()
            header = re.match(r"---\n(.*?)\n---", card, re.DOTALL)
            siblings = [{"rfilename": name, "size": len(data)} for name, data in sorted(files.items())]
            self._reply(
                200,
                {
                    "id": repo,
                    "sha": sha,
                    "private": self.hub.repositories[repo].private,
                    "siblings": siblings,
                    "cardData": yaml.safe_load(header[1]) if header else {},
                    "tags": [],
                    "gated": False,
                    "disabled": False,
                    "downloads": 0,
                    "likes": 0,
                },
            )

    def tree(self, repo: str, revision: str, folder: str = "") -> None:
        if commit := self._open(repo, revision):
            prefix = folder.strip("/")
            inside = {n: d for n, d in commit[1].items() if not prefix or n.startswith(prefix + "/")}
            if prefix and not inside:
                self._reply(404, {"error": "no entry"}, {"X-Error-Code": "EntryNotFound"})
                return
            recursive = self.query.get("recursive", ["false"])[0].lower() in {"true", "1"}
            entries = [self._entry(name, data) for name, data in sorted(inside.items())]
            if not recursive:
                start = len(prefix) + 1 if prefix else 0
                folders = sorted({n[: n.index("/", start)] for n in inside if "/" in n[start:]})
                entries = [entry for entry in entries if "/" not in str(entry["path"])[start:]]
                entries += [{"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in folders]
            self._reply(200, entries)

    @staticmethod
    def _entry(name: str, data: bytes) -> dict[str, object]:
        return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}

    def paths_info(self, repo: str, revision: str) -> None:
        if commit := self._open(repo, revision):
            try:
                asked = json.loads(self.body)["paths"]
            except ValueError:
                asked = parse_qs(self.body.decode())["paths"]
            found = [self._entry(name, commit[1][name]) for name in asked if name in commit[1]]
            folders = {name for name in asked if any(file.startswith(f"{name}/") for file in commit[1])}
            found += [{"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in sorted(folders)]
            self._reply(200, found)

    def resolve(self, repo: str, revision: str, file: str) -> None:
        if commit := self._open(repo, revision):
            sha, files = commit
            if file not in files:
                self._reply(404, {"error": "no entry"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": sha})
                return
            data = files[file]
            headers = {
                "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
                "X-Repo-Commit": sha,
                "Content-Type": "application/octet-stream",
                "Accept-Ranges": "bytes",
            }
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if wanted:
                start, end = int(wanted[1]), int(wanted[2] or len(data) - 1)
                headers["Content-Range"] = f"bytes {start}-{min(end, len(data) - 1)}/{len(data)}"
                self._reply(206, data[start : end + 1], headers)
                return
            self._reply(200, data, headers)

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'tester'}/{asked['name']}"
        url = f"{self.hub.url}/datasets/{name}"
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._reply(401, {"error": "Invalid credentials"})
            return
        if name in self.hub.repositories:
            self._reply(409, {"error": "exists", "url": url})
            return
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        self.hub.add(name, {".gitattributes": b""}, private=private)
        self._reply(200, {"url": url, "name": name, "id": name})

    def preupload(self, repo: str, revision: str) -> None:
        if self._open(repo, revision):
            files = json.loads(self.body)["files"]
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for file in files
            ]
            self._reply(200, {"files": modes})

    def commit(self, repo: str, revision: str) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._reply(403, {"error": "read only"})
            return
        if opened := self._open(repo, revision):
            files = dict(opened[1])
            for line in self.body.splitlines():
                entry = json.loads(line)
                value = entry["value"]
                if entry["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif entry["key"] == "deletedFile":
                    files.pop(value["path"], None)
            sha = self.hub.repositories[repo].commit(files)
            url = f"{self.hub.url}/datasets/{repo}/commit/{sha}"
            self._reply(200, {"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""})

    def validate(self) -> None:
        content = json.loads(self.body)["content"]
        header = re.match(r"---\n(.*?)\n---", content, re.DOTALL)
        good = bool(header) and isinstance(yaml.safe_load(header[1]), dict)
        self._reply(200 if good else 400, {"errors": [] if good else [{"message": "no YAML header"}], "warnings": []})


_REPO = r"(?P<repo>[^/]+/[^/]+)"
_KIND = "(?:datasets|models)"
_REV = r"(?P<revision>[^/]+)"
for _method in ("GET", "HEAD", "POST"):
    setattr(_Handler, f"do_{_method}", _Handler._handle)

ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("GET", "/api/whoami-v2", _Handler.whoami),
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate),
    ("GET", f"/api/{_KIND}/{_REPO}", _Handler.show),
    ("GET", f"/api/{_KIND}/{_REPO}/revision/{_REV}", _Handler.show),
    ("GET", f"/api/{_KIND}/{_REPO}/tree/{_REV}(?P<folder>/.*)?", _Handler.tree),
    ("POST", f"/api/{_KIND}/{_REPO}/paths-info/{_REV}", _Handler.paths_info),
    ("POST", f"/api/{_KIND}/{_REPO}/preupload/{_REV}", _Handler.preupload),
    ("POST", f"/api/{_KIND}/{_REPO}/commit/{_REV}", _Handler.commit),
    ("GET HEAD", f"(?:/datasets)?/{_REPO}/resolve/{_REV}/(?P<file>.+)", _Handler.resolve),
]
