"""Snippets of lab 2's hidden cases: a client cannot be sent, so it is made beside the code.

Each sets names to data, never to a verdict. Names that no line here defines are inputs of the case.
`judge.py` reads this file by its path.
"""

_DATA = """
import io, json, tinker
from shared.tinker import connect, preset
def made(rows):
    return [tinker.Datum(model_input=tinker.ModelInput.from_ints(t[:-1]),
                         loss_fn_inputs={"target_tokens": t[1:], "weights": w[1:]})
            for t, w in rows]
service = connect()
client = service.create_lora_training_client(preset().base_model, rank=4, seed=1).result()
"""
STEP = f"{_DATA}loss = train_step(client, made(rows), lr)\n"
TRAIN = f"""{_DATA}
metrics, checkpoints = io.StringIO(), io.StringIO()
log = train(client, made(rows), made(held), TrainConfig(**config), metrics, checkpoints)
losses = [[step, loss] for step, loss in log.losses.items()]
seen = [[step, loss] for step, loss in log.held_out.items()]
rows_given, rows = rows, [json.loads(line) for line in metrics.getvalue().splitlines()]
lines = [json.loads(line) for line in checkpoints.getvalue().splitlines()]
saved = [[one["name"], one["batch"], one["best"], one["waited"]] for one in lines]
"""
RESUMED = f"""{TRAIN}
first = lines[0]
restored = service.create_training_client_from_state_with_optimizer(first["state_path"]).result()
more = io.StringIO()
train(restored, made(rows_given), made(held), TrainConfig(**config), more, io.StringIO(),
      resume=first)
again = [json.loads(line) for line in more.getvalue().splitlines()]
"""
UNTOUCHED = """
import random, numpy
data = [1, 2, 3, 4, 5]
state, other = random.getstate(), numpy.random.get_state()[1].tolist()
batches(data, 2, seed, 0)
result = [data == [1, 2, 3, 4, 5], random.getstate() == state,
          numpy.random.get_state()[1].tolist() == other]
"""
GIVEN_AFTER = "distil_prompt([chat])\nresult = chat"
