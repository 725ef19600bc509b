"""Snippets of lab 5's hidden cases: they build a module beside the code that is judged and use it.

Each sets `result` to data, never to a verdict. Names that no line here defines are inputs of the
case. `judge.py` reads this file by its path.
"""

LAYER = """
import torch
from torch import nn
base = nn.Linear(w.shape[1], w.shape[0], bias=b is not None, dtype=w.dtype)
with torch.no_grad():
    base.weight.copy_(w)
    if b is not None:
        base.bias.copy_(b)
layer = LoRALinear(base, rank, alpha)
"""
FRESH = f"""{LAYER}
parameters = dict(layer.named_parameters())
result = {{
    "base is the layer that came in": layer.base is base,
    "shapes": {{name: tuple(p.shape) for name, p in parameters.items()}},
    "requires_grad": {{name: p.requires_grad for name, p in parameters.items()}},
    "scaling": layer.scaling,
    "lora_A is all zero": not layer.lora_A.any(), "lora_B is all zero": not layer.lora_B.any(),
}}
"""
TRAINED = f"""{LAYER}
layer.lora_A.data.copy_(A)
layer.lora_B.data.copy_(B)
x.requires_grad_(True)
result = layer(x)
"""
GRADIENTS = f"""{TRAINED}
(result * (1 + torch.arange(result.numel()) % 3).reshape(result.shape)).sum().backward()
result = {{"lora_A.grad": layer.lora_A.grad, "lora_B.grad": layer.lora_B.grad,
           "x.grad": x.grad, "base.weight.grad": base.weight.grad}}
"""
# Rounded so coarsely that thousands of right draws round to the same: bound 1, mean 0, sqrt(1/3).
START = f"""import torch
torch.default_generator.manual_seed(0)  # torch.manual_seed records its caller: slow
{LAYER}
A = layer.lora_A.detach().double() * w.shape[1] ** 0.5
result = {{
    "largest": round(A.max().item(), 2), "smallest": round(A.min().item(), 2),
    "mean": round(A.mean().item(), 1) + 0.0, "deviation": round(A.std().item(), 1),
    "share within half the bound": round((A.abs() < 0.5).double().mean().item(), 1),
}}
"""
DTYPES = """
import torch
base = torch.nn.Linear(3, 2, device=device, dtype=getattr(torch, dtype))
layer = LoRALinear(base, 2, 1.0)
result = {"lora_A": [str(layer.lora_A.dtype), str(layer.lora_A.device)],
          "lora_B": [str(layer.lora_B.dtype), str(layer.lora_B.device)]}
"""
HALF = """
import torch
half, other = getattr(torch, dtype), getattr(torch, adapter_dtype)
got = f(w.to(half), A.to(other), B.to(other), alpha)
result = {"dtype": str(got.dtype), "values": got.double()}
"""
UNTOUCHED = """
got = f(w, A, B, alpha)
got += 1
result = {"weight": w, "lora_A": A, "lora_B": B}
"""
MODEL = """
import torch
from torch import nn
MAKE = {"Linear": lambda: nn.Linear(3, 2), "Linear without bias": lambda: nn.Linear(2, 3, False),
        "LayerNorm": lambda: nn.LayerNorm(2), "Embedding": lambda: nn.Embedding(3, 2)}
class Adapted(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.told, self.extra = base, [rank, alpha], nn.Parameter(torch.zeros(1))
model = nn.Module()
for path, kind in kinds.items():
    *folders, name = path.split(".")
    at = model
    for folder in folders:
        if folder not in at._modules:
            at.add_module(folder, nn.Module())
        at = at._modules[folder]
    at.add_module(name, MAKE[kind]())
before = dict(model.named_modules())
next(model.parameters()).requires_grad_(False)
def seen(model):
    modules = dict(model.named_modules())
    return {
        "modules": {path: type(module).__name__ for path, module in modules.items()},
        "trainable": [name for name, p in model.named_parameters() if p.requires_grad],
        "told": {path: module.told for path, module in modules.items() if hasattr(module, "told")},
        "keeps its linear": [module.base is before[path] for path, module in modules.items()
                             if hasattr(module, "told")],
    }
"""
APPLIED = f"""{MODEL}
result = {{"returned": apply_lora(model, targets, rank, alpha, layer=Adapted), **seen(model)}}
"""
REFUSED = f"""{MODEL}
try:
    apply_lora(model, targets, 2, 4.0, layer=Adapted)
    raised = "nothing"
except ValueError:
    raised = "ValueError"
result = {{"raised": raised, **seen(model)}}
"""
TINY = """
import torch
from torch import nn
class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.o_proj = nn.Linear(3, 4), nn.Linear(4, 2)
    def forward(self, x):
        return self.o_proj(torch.tanh(self.q_proj(x)))
model = Tiny()
with torch.no_grad():
    for p, value in zip(model.parameters(), weights):
        p.copy_(value)
"""
TRAIN = """
for name, (A, B) in adapter.items():
    a_and_b[name][0].data.copy_(A)
    a_and_b[name][1].data.copy_(B)
out = model(x)
(out * torch.tensor([1.0, -2.0])).sum().backward()
result = {"output": out, **{name: [a.grad, b.grad] for name, (a, b) in a_and_b.items()}}
"""
OURS = f"""{TINY}
apply_lora(model, list(adapter), rank, alpha)
at = dict(model.named_modules())
a_and_b = {{name: (at[name].lora_A, at[name].lora_B) for name in adapter}}
{TRAIN}"""
PEFT = f"""{TINY}
import peft
config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(adapter), lora_dropout=0.0)
model = peft.get_peft_model(model, config)
at = dict(model.base_model.model.named_modules())
a_and_b = {{name: (at[name].lora_A["default"].weight, at[name].lora_B["default"].weight)
           for name in adapter}}
{TRAIN}"""
SWAP = """
import torch
from torch import nn
base = nn.Linear(1, 1)
class Layer(nn.Module):
    def __init__(self, A=None, B=None):
        super().__init__()
        self.base = base
        if A is not None:
            self.lora_A = nn.Parameter(A.clone())
        if B is not None:
            self.lora_B = nn.Parameter(B.clone())
model = nn.Module()
model.only_A, model.only_B = Layer(A=torch.zeros(1, 1)), Layer(B=torch.zeros(1, 1))
for path, (A, B) in old.items():
    *folders, name = path.split(".")
    at = model
    for folder in folders:
        if folder not in at._modules:
            at.add_module(folder, nn.Module())
        at = at._modules[folder]
    at.add_module(name, Layer(A, B))
before = dict(model.named_parameters())
rest = {name: p.detach().clone() for name, p in before.items() if ".lora_" not in name}
def held():
    at = dict(model.named_modules())
    return {path: [at[path].lora_A, at[path].lora_B] for path in old}
"""
SWAPPED = f"""{SWAP}
returned = swap_adapter(model, new)
after = dict(model.named_parameters())
result = {{
    "returned": returned, "now": held(),
    "same parameters": {{name: after[name] is p for name, p in before.items()}},
    "requires_grad": {{name: p.requires_grad for name, p in after.items()}},
    "returned requires grad": {{path: [t.requires_grad for t in pair]
                               for path, pair in returned.items()}},
    "others changed": [name for name, p in rest.items() if not torch.equal(p, after[name])],
}}
"""
INDEPENDENT = f"""{SWAP}
returned = swap_adapter(model, new)
for pair in held().values():
    for p in pair:
        p.data += 1
result = {{"returned": returned, "adapter that was passed": new, "now": held()}}
"""
KEPT = f"""{SWAP}
try:
    swap_adapter(model, new)
    raised = "nothing"
except ValueError:
    raised = "ValueError"
result = {{"raised": raised, "now": held()}}
"""
RANKED = """
import torch
approximation, error = best_rank_k(torch.tensor([[3, 0.5], [0, 1]], dtype=getattr(torch, dtype)), k)
result = {"dtype": str(approximation.dtype), "approximation": approximation.double(),
          "error": float(error), "type of the error": "float" if isinstance(error, float) else
          type(error).__name__}
"""
TYPES = """
parts = memory_estimate(frozen, trainable, frozen_bytes=frozen_bytes)
result = {key: type(value).__name__ for key, value in parts.items()}
"""
ITEMS = """
result = list(best_learning_rate(losses).items())
"""
