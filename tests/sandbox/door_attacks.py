"""Lines that hostile code runs behind its door; `ASK` goes before each of the others."""

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
