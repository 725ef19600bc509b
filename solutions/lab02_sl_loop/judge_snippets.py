"""Snippets of lab 2's hidden cases: a client cannot be sent, so it is made beside the code.

Each sets names to data, never to a verdict. Names that no line here defines are inputs of the case.
`judge.py` reads this file by its path.
"""

_DATA = """
import io, json, tinker
from shared.models import base
from shared.tinker import connect
def made(rows):
    return [tinker.Datum(model_input=tinker.ModelInput.from_ints(t[:-1]),
                         loss_fn_inputs={"target_tokens": t[1:], "weights": w[1:]})
            for t, w in rows]
service = connect()
client = service.create_lora_training_client(base.NAME, rank=4, seed=1).result()
"""
STEP = f"{_DATA}result = train_step(client, made(rows), lr)"
_READ = """
losses = [[step, loss] for step, loss in log.losses.items()]
seen = [[step, loss] for step, loss in log.held_out.items()]
rows_given, rows = rows, [json.loads(line) for line in metrics.getvalue().splitlines()]
lines = [json.loads(line) for line in checkpoints.getvalue().splitlines()]
saved = [[one["name"], one["batch"], one["best"], one["waited"]] for one in lines]
"""
TRAIN = f"""{_DATA}
metrics, checkpoints = io.StringIO(), io.StringIO()
log = train(client, made(rows), made(held), TrainConfig(**config), metrics, checkpoints)
{_READ}"""
GONE_ON = f"""{_DATA}
metrics, checkpoints = io.StringIO(), io.StringIO()
line = {{"name": "000002", "batch": taken, "state_path": "", "best": best, "waited": waited}}
log = train(client, made(rows), made(held), TrainConfig(**config), metrics, checkpoints, line)
{_READ}"""
RESUMED = f"""{TRAIN}
first = lines[0]
restored = service.create_training_client_from_state_with_optimizer(first["state_path"]).result()
more = io.StringIO()
train(restored, made(rows_given), made(held), TrainConfig(**config), more, io.StringIO(),
      resume=first)
again = [json.loads(line) for line in more.getvalue().splitlines()]
"""
# Sizes of the batches, and how many examples come never, once, twice, three times.
COUNTED = """
found = batches(list(range(n)), size, seed, epoch)
flat = [x for batch in found for x in batch]
times = [flat.count(x) for x in range(n)]
result = [[len(batch) for batch in found], [times.count(k) for k in range(4)]]
"""
# For each order the place where it came first, and whether it is that of the data.
ORDERS = """
data = list(range(24))
seen = [[x for batch in batches(data, size, s, e) for x in batch] for s, e in asked]
result = [[seen.index(order) for order in seen], [order == data for order in seen]]
"""
UNTOUCHED = """
import random, numpy
data = [1, 2, 3, 4, 5]
random.seed(7)
numpy.random.seed(7)
batches(data, 2, seed, 0)
result = [data, random.random(), float(numpy.random.random())]
"""
GIVEN_AFTER = "distil_prompt([chat])\nresult = chat"
