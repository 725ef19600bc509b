"""A stand-in for the service process: the routes a client needs to begin, and work that hangs.

It is run with the service's own options. Its one model trains for ever: no result ever comes.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "tml-fake-owner"
FLAGS = (
    "pjwt_auth_enabled",
    "parallel_fwdbwd_chunks",
    "proto_compress_fwdbwd",
    "use_pyqwest_transport",
    "sample_use_retrieve_futures",
    "custom_loss_server_side",
    "sample_join_sampling_session",
)


ANSWERS: dict[str, dict[str, Any]] = {
    "client/config": dict.fromkeys(FLAGS, False),
    "client/dynamic_config": {"refresh_interval_sec": 3600, "sample_cancel_enabled": False},
    "create_session": {"type": "create_session", "session_id": "s"},
    "session_heartbeat": {"type": "session_heartbeat"},
    "get_server_capabilities": {
        "supported_models": [{"model_name": "labkit/tiny", "trainable": True, "sampleable": True}]
    },
    "create_model": {"request_id": "model"},
    "forward_backward": {"request_id": "never", "model_id": "s:train:0"},
    "create_sampling_session": {
        "type": "create_sampling_session",
        "sampling_session_id": "s:sample:0",
    },
    "asample": {"request_id": "never"},
    "samplers/s:sample:0": {"sampler_id": "s:sample:0", "base_model": "labkit/tiny"},
    "get_info": {
        "type": "get_info",
        "model_id": "s:train:0",
        "model_name": "labkit/tiny",
        "is_lora": True,
        "lora_rank": 4,
        "model_data": {"arch": "qwen3", "model_name": "labkit/tiny"},
    },
    "/kit/v1/status": {
        "ready": True,
        "trouble": None,
        "models": ["labkit/tiny", "Qwen/Qwen3-8B"],
        "stand_ins": ["Qwen/Qwen3-8B"],
        "queue": 0,
        "memory_mb": 12.34,
    },
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    key = KEY

    def answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        route = self.path.split("?")[0].removeprefix("/api/v1/")
        if route == "healthz":
            return self.say(200, {"status": "ok"})
        if self.headers.get("X-API-Key") != self.key:
            return self.say(401, {"error": "this key is not known here"})
        return self.say(*self.route(route, raw))

    do_GET = do_POST = answer

    def route(self, route: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        body = {} if "protobuf" in self.headers.get("Content-Type", "") else json.loads(raw or "{}")
        if route == "retrieve_future":
            if body["request_id"] == "model":
                return 200, {"type": "create_model", "model_id": "s:train:0"}
            time.sleep(20)
            return 408, {"type": "try_again", "queue_state": "active"}
        return (200, ANSWERS[route]) if route in ANSWERS else (404, {"error": f"no {route}"})

    def say(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--with-parent", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    for option in ("--host", "--device", "--model", "--key-file"):
        parser.add_argument(option)
    parser.add_argument("--no-stand-ins", action="store_true")
    options = parser.parse_args()
    if options.model == "nonsense":
        print("no such model: nonsense", file=sys.stderr)
        sys.exit(2)
    lock = (options.state / "service.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    said = {"url": url, "pid": os.getpid(), "key": KEY, "started_at": time.time()}
    (options.state / "service.json").write_text(json.dumps(said))
    print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)
    if options.with_parent:
        sys.stdin.read()
    else:
        threading.Event().wait()


if __name__ == "__main__":
    main()
