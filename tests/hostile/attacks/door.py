"""Attacks through the door to the service: other keys, other runs, floods, malformed requests.

`ASK` goes before each of them. `tests/sandbox/test_door_attacks.py` looks at the answers in detail.
"""

from ..harness import Attack

ASK = """
import http.client, json, os, socket, threading
host, port = os.environ['TINKER_BASE_URL'].removeprefix('http://').split(':')
own = os.environ['TINKER_API_KEY']

def ask(method, path, body=None, key=own, kind='application/json'):
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {'X-API-Key': key, 'Content-Type': kind}
    connection.request(method, path, data, headers)
    answer = connection.getresponse()
    said = answer.read().decode('utf-8', 'replace')
    connection.close()
    return answer.status, said

def post(name, body, **more):
    return ask('POST', '/api/v1/' + name, body, **more)

def wait(promise):
    request_id = json.loads(promise[1])['request_id']
    return json.loads(post('retrieve_future', {'request_id': request_id})[1])
"""

BUDGET = """
session = json.loads(post('create_session', {'tags': [], 'sdk_version': '0.38.0'})[1])['session_id']
wait(post('create_model', {'session_id': session, 'model_seq_id': 0, 'base_model': base,
                           'lora_config': {'rank': 4}}))
model = session + ':train:0'
step = {'model_id': model, 'adam_params': {'learning_rate': 0.1}}
result = [wait(post('optim_step', {**step, 'seq_id': n})) for n in (1, 2, 3)]
"""

FLOOD = """
answers = []
def many():
    for _ in range(100):
        try: answers.append(post('telemetry', {})[0])
        except OSError: answers.append(0)
threads = [threading.Thread(target=many) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
result = [answers.count(200), answers.count(403), len(answers)]
"""

HOLD = """
held = []
for _ in range(170):
    try:
        s = socket.create_connection((host, int(port)), 0.2)
        s.sendall(b'POST /api/v1/telemetry HTTP/1.1\\r\\nContent-Le')
        held.append(s)
    except OSError: pass
result = len(held)
"""

MALFORMED = [
    ("forward_backward", b"\xff" * 100, "application/x-protobuf"),
    ("forward_backward", b"", "application/x-protobuf"),
    ("forward_backward", b"{}", "application/json"),
    ("optim_step", b"[" * 100_000, "application/json"),
    ("optim_step", b'{"model_id": 1e999}', "application/json"),
    ("create_model", b"not json", "application/json"),
    ("create_session", b'{"tags": "\\ud800"}', "application/json"),
    ("asample", b'{"prompt": null}', "application/json"),
    ("save_weights", b'{"path": "../../../../etc/passwd", "model_id": "x"}', "application/json"),
    ("load_weights", b'{"path": "tinker://../../x/weights/y"}', "application/json"),
    ("retrieve_future", b'{"request_id": null}', "application/json"),
    ("telemetry", b"\x00" * 1000, "application/octet-stream"),
    ("weights_info", b'{"tinker_path": "file:///etc/passwd"}', "application/json"),
]

OTHERS = {
    "its runs": "ask('GET', '/api/v1/training_runs/' + model)",
    "its list of checkpoints": "ask('GET', f'/api/v1/training_runs/{model}/checkpoints')",
    "its session": "ask('GET', '/api/v1/sessions/' + session)",
    "its model": "post('get_info', {'model_id': model})",
    "its weights": "post('weights_info', {'tinker_path': path})",
    "its urls": (
        "ask('GET', f'/api/v1/training_runs/{model}/checkpoints/weights/mine/'"
        " 'external_weights_urls')"
    ),
    "deleting": "ask('DELETE', f'/api/v1/training_runs/{model}/checkpoints/weights/mine')",
    "publishing": "ask('POST', f'/api/v1/training_runs/{model}/checkpoints/weights/mine/publish')",
    "an expiry": (
        "ask('PUT', f'/api/v1/training_runs/{model}/checkpoints/weights/mine/ttl',"
        " {'ttl_seconds': 3600})"
    ),
    "a step": (
        "post('optim_step', {'model_id': model, 'seq_id': 99,"
        " 'adam_params': {'learning_rate': 9.0}})"
    ),
    "a save over it": (
        "post('save_weights', {'model_id': model, 'seq_id': 98, 'path': 'mine', 'overwrite': True})"
    ),
    "an answer": "post('retrieve_future', {'request_id': request})",
    "its heartbeat": "post('session_heartbeat', {'session_id': session})",
    "ending its session": (
        "post(f'sessions/{session}/finish', {'reason': {'type': 'success'}, 'detail': ''})"
    ),
    "a session of its": (
        "post('create_sampling_session', {'session_id': session,"
        " 'sampling_session_seq_id': 7, 'model_path': path})"
    ),
    "a file": "ask('GET', '/kit/v1/files/' + 'x' * 40 + '/adapter_model.safetensors')",
}

RAW = """
def raw(request):
    with socket.create_connection((host, int(port)), 20) as s:
        s.sendall(request)
        s.shutdown(socket.SHUT_WR)
        said = b''
        while chunk := s.recv(65536): said += chunk
    return said
status = b'GET /kit/v1/status HTTP/1.1\\r\\nHost: x\\r\\nX-API-Key: ' + KEYS['the owner'].encode()
mine = b'POST /api/v1/telemetry HTTP/1.1\\r\\nHost: x\\r\\nX-API-Key: ' + own.encode() + b'\\r\\n'
"""


def _door(name: str, code: str, **more: str) -> Attack:
    known = "\nok = lambda answer: answer[0] < 400 and answer\n"
    known += "model, session, path, request = VICTIM\n"
    return Attack(family="door", name=name, exercise="train", code=ASK + known + code, **more)  # type: ignore[arg-type]


KEYS = [
    _door(
        f"comes with a key: {whose}",
        "paths = ['/api/v1/training_runs', '/api/v1/sessions', '/kit/v1/keys', '/kit/v1/status']\n"
        f"attempt(*(lambda p=p: ok(ask('GET', p, key=KEYS[{whose!r}])) for p in paths))",
        incident="door refused",
    )
    for whose in ("the owner", "another submission", "nobody's guess", "none at all")
]

RUNS = [
    _door(f"reaches for another submission: {what}", f"attempt(lambda: ok({attempt}))")
    for what, attempt in OTHERS.items()
]

ATTACKS = [
    *KEYS,
    *RUNS,
    _door(
        "asks for the owner's routes, spelt in many ways",
        "attempt(lambda: ok(ask('GET', '/kit/v1/status')),\n"
        "        lambda: ok(ask('GET', '/kit/v1/keys')),\n"
        "        lambda: ok(ask('POST', '/kit/v1/keys', {'budget_tokens': 10 ** 9})),\n"
        "        lambda: ok(ask('DELETE', '/kit/v1/keys/' + KEY_ID)),\n"
        "        lambda: ok(ask('GET', '/kit/v1/keys/' + KEY_ID + '/log')),\n"
        "        lambda: ok(ask('GET', '/api/v1/../../kit/v1/keys')),\n"
        "        lambda: ok(ask('GET', '//kit/v1/keys')),\n"
        "        lambda: ok(ask('GET', '/api/v1/%2e%2e/kit/v1/keys')))",
        incident="door refused",
    ),
    _door(
        "loads another submission's checkpoint",
        "mine = json.loads(post('create_session', {'tags': [], 'sdk_version': '0.38.0'})[1])\n"
        "asked = post('load_weights', {'session_id': mine['session_id'], 'model_seq_id': 0,\n"
        "                              'path': path, 'optimizer': False})\n"
        "attempt(lambda: asked[0] == 200 and 'error' not in wait(asked))",
    ),
    _door(
        "cancels an answer that another submission waits for",
        "post('cancel_future', {'request_id': request})",
    ),
    _door(
        "publishes a checkpoint of its own for a friend",
        "attempt(lambda: ok(ask('POST', '/api/v1/training_runs/x/checkpoints/weights/y/publish')))",
        incident="door refused",
    ),
    _door(
        "has the service read files of the machine",
        "places = [JUDGE, 'file://' + JUDGE, '../../../..' + JUDGE, 'tinker://..' + JUDGE]\n"
        "mine = json.loads(post('create_session', {'tags': [], 'sdk_version': '0.38.0'})[1])\n"
        "def load(place):\n"
        "    asked = post('load_weights', {'session_id': mine['session_id'], 'model_seq_id': 0,\n"
        "                                  'path': place, 'optimizer': False})\n"
        "    return asked[0] == 200 and 'error' not in wait(asked)\n"
        "attempt(*(lambda p=p: ok(post('weights_info', {'tinker_path': p})) for p in places),\n"
        "        *(lambda p=p: load(p) for p in places))",
    ),
    _door(
        "sends malformed bodies of every kind",
        f"bodies = {[sent for sent in MALFORMED if len(sent[1]) < 9999]!r}\n"
        "bodies += [('optim_step', b'[' * 100_000, 'application/json')]\n"
        "found = [post(name, body, kind=kind)[0] for name, body, kind in bodies]\n"
        "attempt(lambda: [status for status in found if status >= 500])",
    ),
    _door(
        "sends bodies that are too large, or say that they are",
        "attempt(lambda: post('create_session', b'x' * (2 << 20))[0] != 413,\n"
        "        lambda: post('telemetry', b'x' * (3 << 20))[0] != 413,\n"
        "        lambda: ok(ask('POST', '/api/v1/forward_backward', b'x' * (33 << 20))))",
    ),
    _door(
        "hides a second request behind its own",
        RAW + "second = status + b'\\r\\n\\r\\n'\n"
        "tricks = [mine + b'Content-Length: 2\\r\\n\\r\\n{}' + second,\n"
        "          mine + b'Content-Length: 0\\r\\nContent-Length: 99\\r\\n\\r\\n' + second,\n"
        "          mine + b'Transfer-Encoding: chunked\\r\\nContent-Length: 5\\r\\n'\n"
        "          b'\\r\\n0\\r\\n\\r\\n' + second,\n"
        "          mine.replace(b'Host: x', b'Host: x\\n' + second) + b'\\r\\n',\n"
        "          mine + b'X-API-Key: ' + KEYS['the owner'].encode() + b'\\r\\n\\r\\n',\n"
        "          status.replace(b'GET /', b'GET http://x/') + b'\\r\\n\\r\\n',\n"
        "          status.replace(b'GET', b'CONNECT') + b'\\r\\n\\r\\n', second,\n"
        "          b'PRI * HTTP/2.0\\r\\n']\n"
        "def twice(trick):\n"
        "    said = raw(trick)\n"
        "    return said.count(b'HTTP/1.1 ') > 1 or b'training_models' in said\n"
        "attempt(*(lambda t=t: twice(t) for t in tricks))",
    ),
    _door(
        "floods the door from six threads",
        FLOOD + "attempt(lambda: result[0] > 500)",
        incident="service budget",
    ),
    _door(
        "holds 170 connections that never finish their request",
        HOLD + "globals()['held'] = held",
    ),
    _door(
        "trains beyond its budget",
        "base = BASE\n" + BUDGET + "attempt(lambda: 'error' not in result[2])",
        incident="service budget",
    ),
    _door(
        "makes models until the memory ends",
        "mine = json.loads(post('create_session', {'tags': []})[1])['session_id']\n"
        "def make(n):\n"
        "    wanted = {'session_id': mine, 'model_seq_id': n, 'base_model': BASE}\n"
        "    return post('create_model', wanted)[0]\n"
        "made = [make(n) for n in range(40)]\n"
        "attempt(lambda: made.count(200) > 32)",
        incident="service budget",
    ),
    _door(
        "goes past the door: other ports, addresses and kinds of sockets",
        "def fast(call):\n"
        "    with socket.socket() as s: return call(s)\n"
        "attempt(lambda: socket.create_connection(('127.0.0.1', TCP), 1),\n"
        "        lambda: socket.create_connection(('::1', TCP6), 1),\n"
        "        lambda: fast(lambda s: s.sendto(b'x', 0x20000000, ('127.0.0.1', TCP))),\n"
        "        lambda: fast(lambda s: s.sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', TCP))),\n"
        "        lambda: fast(lambda s: [s.bind(('127.0.0.1', 0))]),\n"
        "        lambda: fast(lambda s: [s.listen()]),\n"
        "        lambda: [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)],\n"
        "        lambda: [socket.socket(socket.AF_UNIX)],\n"
        "        lambda: [socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)],\n"
        "        lambda: socket.socketpair()[0].sendto(b'x', LOG),\n"
        "        lambda: socket.getaddrinfo('example.com', 443))",
    ),
    Attack(
        family="door",
        name="claims a training that the service never saw",
        exercise="train",
        instead=(
            "class requests:\n    learning_rates = [0.25]\n"
            "def train(rate):\n"
            "    return {'kind': 'optim_step', 'learning_rate': rate, 'learning_rates': [rate]}\n"
        ),
    ),
]
