"""The stock side's tests of lab 5: the asserts an instructor would write into the check cells.

Each cell asks of an exercise what the hidden judge asks of it, on one or two literal inputs where
the judge generates some thirty.
"""

from __future__ import annotations

import ast

RAISES = """
def raises(call):
    try:
        call()
    except ValueError:
        return True
    return False
"""

ASSERTS = {
    "lora_parameter_count": f"""{RAISES}
shapes = {{"a.q_proj": (6, 4), "b.q_proj": (4, 4), "b.up_proj": (12, 4), "c.my_q_proj": (5, 4)}}
assert lora_parameter_count(shapes, 2, ["q_proj"]) == 2 * 10 + 2 * 8
assert lora_parameter_count(shapes, 1, ["q_proj", "up_proj", "q_proj"]) == 10 + 8 + 16
assert lora_parameter_count(shapes, 1, []) == 0
assert raises(lambda: lora_parameter_count(shapes, 0, ["q_proj"]))
assert raises(lambda: lora_parameter_count(shapes, 2, ["q_proj", "k_proj"]))
""",
    "LoRALinear": """
base = nn.Linear(3, 2)
layer = LoRALinear(base, 2, 4.0)
x = torch.tensor([[1.0, -2.0, 0.5]])
assert layer.base is base and layer.scaling == 2.0
assert layer.lora_A.shape == (2, 3) and layer.lora_B.shape == (2, 2)
assert layer.lora_A.any() and not layer.lora_B.any()
assert layer.lora_A.requires_grad and layer.lora_B.requires_grad
assert not any(p.requires_grad for p in base.parameters())
assert torch.equal(layer(x), base(x))
layer.lora_B.data.fill_(1.0)
wanted = base(x) + 2.0 * (x @ layer.lora_A.T @ layer.lora_B.T)
assert torch.allclose(layer(x), wanted, rtol=1e-5, atol=1e-5)
layer(x).sum().backward()
assert layer.lora_A.grad is not None and base.weight.grad is None
big = LoRALinear(nn.Linear(16, 2), 1024, 1.0).lora_A
assert abs(big.std().item() * 4 - 3**-0.5) < 0.05
assert LoRALinear(nn.Linear(3, 2, dtype=torch.bfloat16), 2, 1.0).lora_A.dtype == torch.bfloat16
assert raises(lambda: LoRALinear(nn.Linear(3, 2), 0, 1.0))
""",
    "merge": """
w = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
a, b = torch.tensor([[1.0, 5.0]]), torch.tensor([[1.0], [2.0]])
assert torch.allclose(merge(w, a, b, 2.0), torch.tensor([[3.0, 12.0], [7.0, 24.0]]))
assert torch.allclose(unmerge(merge(w, a, b, 2.0), a, b, 2.0), w)
a2, b2 = torch.eye(2), torch.tensor([[2.0, 0.0], [0.0, 4.0]])
assert torch.allclose(merge(w, a2, b2, 1.0), torch.tensor([[2.0, 2.0], [3.0, 6.0]]))
half = torch.full((1, 1), 256.0, dtype=torch.bfloat16)
thin = torch.full((1, 1), 1.25, dtype=torch.bfloat16)
assert merge(half, thin, thin, 1.0).dtype == torch.bfloat16
assert merge(half, thin, thin, 1.0).item() == 258.0
assert merge(w.double(), a.double(), b.double(), 1.0).dtype == torch.float64
assert torch.equal(w, torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
assert raises(lambda: merge(w, a.T, b, 1.0))
assert raises(lambda: unmerge(w, a, b.T, 1.0))
""",
    "apply_lora": """
import peft

class Adapted(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.told, self.extra = base, [rank, alpha], nn.Parameter(torch.zeros(1))

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.o_proj, self.norm = nn.Linear(2, 2), nn.Linear(2, 2), nn.LayerNorm(2)

model = nn.Sequential(Block(), Block())
assert apply_lora(model, ["q_proj"], 2, 4.0, layer=Adapted) == ["0.q_proj", "1.q_proj"]
assert type(model[1].q_proj) is Adapted and type(model[1].o_proj) is nn.Linear
assert model[0].q_proj.told == [2, 4.0]
trained = [name for name, p in model.named_parameters() if p.requires_grad]
assert trained == ["0.q_proj.extra", "1.q_proj.extra"]
model = nn.Sequential(Block())
assert raises(lambda: apply_lora(model, ["q_proj", "norm"], 2, 4.0, layer=Adapted))
assert all(p.requires_grad for p in model.parameters()) and type(model[0].q_proj) is nn.Linear

class Plain(nn.Module):  # stands in for the student's own layer, which exercise 2 asks for
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, alpha / rank
        self.lora_A = nn.Parameter(torch.ones(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.ones(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + self.scaling * (x @ self.lora_A.T @ self.lora_B.T)

ours, theirs = nn.Sequential(Block()), nn.Sequential(Block())
theirs.load_state_dict(ours.state_dict())
apply_lora(ours, ["q_proj"], 2, 4, layer=Plain)
config = peft.LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj"], lora_dropout=0.0)
tuned = peft.get_peft_model(theirs, config).base_model.model[0].q_proj
for matrix in (tuned.lora_A, tuned.lora_B):
    matrix["default"].weight.data.fill_(1.0)
x = torch.tensor([[0.5, -1.0]])
assert torch.allclose(ours[0].q_proj(x), tuned(x), rtol=1e-4, atol=1e-4)
""",
    "best_rank_k": """
delta = torch.tensor([[3.0, 0.0], [0.0, -4.0]])
approximation, error = best_rank_k(delta, 1)
assert torch.allclose(approximation, torch.tensor([[0.0, 0.0], [0.0, -4.0]]), atol=1e-5)
assert isinstance(error, float) and abs(error - 3.0) < 1e-5
assert abs(best_rank_k(delta, 0)[1] - 5.0) < 1e-5
assert best_rank_k(delta, 3)[1] == 0.0
assert best_rank_k(delta.to(torch.bfloat16), 1)[0].dtype == torch.bfloat16
assert raises(lambda: best_rank_k(delta, -1))
assert raises(lambda: best_rank_k(torch.ones(3), 1))
assert raises(lambda: best_rank_k(torch.tensor([[1.0, float("nan")]]), 1))
""",
    "memory_estimate": """
parts = {"weights": 220, "gradients": 20, "optimizer": 120, "activations": 0, "total": 360}
assert memory_estimate(100, 10) == parts
parts = {"weights": 40, "gradients": 40, "optimizer": 80, "activations": 7, "total": 167}
assert memory_estimate(0, 10, trainable_bytes=4, activations=7) == parts
assert memory_estimate(5, 0, frozen_bytes=0.5)["weights"] == 3
assert all(type(v) is int for v in memory_estimate(5, 3, frozen_bytes=0.5).values())
assert raises(lambda: memory_estimate(-1, 10))
assert raises(lambda: memory_estimate(10, 10, trainable_bytes=3))
assert raises(lambda: memory_estimate(10, 10, frozen_bytes=0))
""",
    "break_even": """
assert break_even(20.0, 3.0, 1.0, 5_000_000) == 2.0
assert break_even(20.0, 1.0, 3.0, 5_000_000) == math.inf
assert break_even(0.0, 1.0, 3.0, 5_000_000) == 0.0
assert break_even(20.0, 3.0, 1.0, 0.0) == math.inf
assert raises(lambda: break_even(20.0, -3.0, 1.0, 5_000_000))
assert raises(lambda: break_even(0.0, 3.0, math.nan, 5_000_000))
""",
    "swap_adapter": """
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(2, 2)
        self.lora_A = nn.Parameter(torch.tensor([[1.0, 2.0]]))
        self.lora_B = nn.Parameter(torch.tensor([[3.0], [4.0]]))

model = nn.ModuleDict({"q_proj": Layer(), "norm": nn.LayerNorm(2)})
layer, kept = model["q_proj"], list(model["q_proj"].parameters(recurse=False))
new = {"q_proj": (torch.tensor([[5.0, 6.0]]), torch.tensor([[7.0], [8.0]]))}
old = swap_adapter(model, new)
assert torch.equal(layer.lora_A, new["q_proj"][0]) and torch.equal(layer.lora_B, new["q_proj"][1])
assert torch.equal(old["q_proj"][0], torch.tensor([[1.0, 2.0]]))
assert layer.lora_A is kept[0] and layer.lora_B is kept[1] and kept[0].requires_grad
layer.lora_A.data += 1
assert torch.equal(old["q_proj"][0], torch.tensor([[1.0, 2.0]]))
assert torch.equal(new["q_proj"][0], torch.tensor([[5.0, 6.0]]))
assert raises(lambda: swap_adapter(model, {}))
assert raises(lambda: swap_adapter(model, {**new, "k_proj": new["q_proj"]}))
assert raises(lambda: swap_adapter(model, {"q_proj": (torch.ones(1, 1), torch.ones(2, 1))}))
assert torch.equal(layer.lora_B, new["q_proj"][1])
""",
    "best_learning_rate": """
assert best_learning_rate({(4, 1e-4): 2.0, (4, 1e-3): 1.5, (4, 1e-2): 3.0}) == {4: 1e-3}
losses = {(16, 1e-4): 1.0, (16, 1e-3): 0.5, (1, 1e-4): 2.0, (1, 1e-3): 2.0}
assert list(best_learning_rate(losses).items()) == [(1, 1e-4), (16, 1e-3)]
losses = {(4, 1e-4): 2.0, (4, 1e-3): math.nan, (8, 1e-3): math.inf, (2, 1.0): -math.inf}
assert best_learning_rate(losses) == {4: 1e-4}
assert best_learning_rate({}) == {}
""",
}


def count() -> int:
    """How many asserts there are."""
    trees = [ast.parse(source) for source in ASSERTS.values()]
    return sum(isinstance(node, ast.Assert) for tree in trees for node in ast.walk(tree))
