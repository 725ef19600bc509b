"""The forward pass of Qwen3 and Llama for sampling: few large operations, a cache written in place.

transformers' own forward spends most of a small model's step in Python; this one computes the same
numbers from the same weights with a third of the calls. Weights that meet the same input lie in
one matrix (q, k, v; gate, up). Leaves out: gradients, sliding windows, rotary embeddings that
change with the length of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from shared.tinker.errors import UnsupportedError

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, q (N, heads, D), k and v (N, kv_heads, D)) -> (N, heads * D). N counts tokens."""

FUSED = {
    "self_attn.q_proj": "qkv",
    "self_attn.k_proj": "qkv",
    "self_attn.v_proj": "qkv",
    "self_attn.o_proj": "out",
    "mlp.gate_proj": "gate_up",
    "mlp.up_proj": "gate_up",
    "mlp.down_proj": "down",
}
"""Which matrix of a block holds a layer's weights."""

MATRICES = ("qkv", "out", "gate_up", "down")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One layer. Matrices are (out, in), rows in the order of `FUSED`; biases may be missing."""

    matrices: Mapping[str, Tensor]
    biases: Mapping[str, Tensor | None]
    rows: Mapping[str, slice]
    """Where each layer of `FUSED` lies in its matrix."""
    norm_attn: Tensor
    norm_mlp: Tensor
    norm_qk: Tensor | None
    """(heads + kv_heads, D), Qwen3 only."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes the pass needs."""

    heads: int
    kv_heads: int
    head_dim: int


class Angles:
    """Cosines and sines of rotary embeddings, computed once for each position that was needed.

    The first half of a sine's row is negative: with it, turning a vector is
    x * cos + roll(x, D / 2) * sin.
    """

    def __init__(self, rotary: Any, like: Tensor) -> None:
        self._rotary = rotary
        self._like = like
        self._cos = self._sin = like.new_empty(0)

    def at(self, positions: Tensor, end: int) -> tuple[Tensor, Tensor]:
        """Those of positions (N,), all below `end`; each (N, 1, D)."""
        if end > len(self._cos):
            every = torch.arange(max(end, 2 * len(self._cos), 256), device=self._like.device)
            cos, sin = self._rotary(self._like, every[None])
            sin = torch.cat((-sin[0, :, : sin.shape[-1] // 2], sin[0, :, sin.shape[-1] // 2 :]), -1)
            self._cos, self._sin = cos[0][:, None], sin[:, None]
        return self._cos.index_select(0, positions), self._sin.index_select(0, positions)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """All of a model that sampling needs. `own_bytes`: memory it does not share with the base."""

    shape: Shape
    embedding: Tensor
    blocks: Sequence[Block]
    norm: Tensor
    head: Tensor
    angles: Angles
    eps: Tensor
    """What RMSNorm adds to the mean square; float32, without dimensions."""
    activation: Callable[[Tensor], Tensor]
    own_bytes: int = 0

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.embedding.device

    @property
    def dtype(self) -> torch.dtype:
        """What the pass computes in; logits are float32 always."""
        return self.embedding.dtype

    def hidden(self, tokens: Tensor, rope: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """Final hidden states (N, H) of tokens (N,); `attend` knows who sees whom."""
        s, (cos, sin) = self.shape, rope
        n_qk, half, eps = s.heads + s.kv_heads, s.head_dim // 2, self.eps
        x = F.embedding(tokens, self.embedding)
        for layer, b in enumerate(self.blocks):
            m, bias = b.matrices, b.biases
            h = _normed(x, eps).mul_(b.norm_attn)
            qkv = F.linear(h, m["qkv"], bias["qkv"]).view(-1, n_qk + s.kv_heads, s.head_dim)
            qk, v = qkv[:, :n_qk], qkv[:, n_qk:]
            if b.norm_qk is not None:
                qk = _normed(qk, eps).mul_(b.norm_qk)
            qk = (qk * cos).addcmul_(qk.roll(half, -1), sin)
            seen = attend(layer, qk[:, : s.heads], qk[:, s.heads :], v)
            x = F.linear(seen, m["out"], bias["out"]).add_(x)
            h = _normed(x, eps).mul_(b.norm_mlp)
            h = F.linear(h, m["gate_up"], bias["gate_up"])
            h = self.activation(h[:, : h.shape[1] // 2]).mul_(h[:, h.shape[1] // 2 :])
            x = F.linear(h, m["down"], bias["down"]).add_(x)
        return _normed(x, eps).mul_(self.norm)

    def logits(self, hidden: Tensor) -> Tensor:
        """float32 logits (N, V) of final hidden states (N, H)."""
        return F.linear(hidden, self.head).float()


def _normed(x: Tensor, eps: Tensor) -> Tensor:
    """RMSNorm over the last dimension without its weight; the mean square is float32."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
    scale = torch.addcmul(eps, norm, norm, value=1 / x.shape[-1]).rsqrt_()
    return x.mul(scale) if x.dtype == scale.dtype else (x * scale).to(x.dtype)


def base_weights(model: Any) -> Weights:
    """The weights of a frozen Qwen3ForCausalLM or LlamaForCausalLM, fused.

    The model's own parameters become views of the fused matrices, with the same values, so that
    nothing is held twice.

    Raises:
        UnsupportedError: sliding windows, or rotary embeddings that depend on the text's length.
    """
    config, core = model.config, model.model
    _check_supported(config)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    shape = Shape(
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=head_dim,
    )
    embedding = core.embed_tokens.weight.detach()
    return Weights(
        shape=shape,
        embedding=embedding,
        blocks=[_block(layer, shape) for layer in core.layers],
        norm=core.norm.weight.detach(),
        head=model.lm_head.weight.detach(),
        angles=Angles(core.rotary_emb, embedding),
        eps=torch.tensor(config.rms_norm_eps, device=embedding.device),
        activation=F.silu if config.hidden_act == "silu" else core.layers[0].mlp.act_fn,
    )


def _check_supported(config: Any) -> None:
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise UnsupportedError(
            f"This model's layers are {sorted(kinds)}; only full attention can be sampled here. "
            "Serve a model without sliding windows."
        )
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rope in ("dynamic", "longrope"):
        raise UnsupportedError(
            f"This model's rotary embedding is of type {rope!r}, which depends on the length of "
            "the text. Serve a model of type default, linear, llama3 or yarn."
        )


def _block(layer: Any, shape: Shape) -> Block:
    parts: dict[str, list[Any]] = {name: [] for name in MATRICES}
    rows: dict[str, slice] = {}
    for path, name in FUSED.items():
        module = layer.get_submodule(path)
        start = sum(m.weight.shape[0] for m in parts[name])
        rows[path] = slice(start, start + module.weight.shape[0])
        parts[name].append(module)
    return Block(
        matrices={name: _fused(modules) for name, modules in parts.items()},
        biases={name: _bias(modules) for name, modules in parts.items()},
        rows=rows,
        norm_attn=layer.input_layernorm.weight.detach(),
        norm_mlp=layer.post_attention_layernorm.weight.detach(),
        norm_qk=_norm_qk(layer.self_attn, shape),
    )


def _fused(modules: Sequence[Any]) -> Tensor:
    """The modules' weights one below the other; the modules keep views of them."""
    if len(modules) == 1:
        return modules[0].weight.detach()
    matrix = torch.cat([m.weight.detach() for m in modules])
    parts = matrix.split([m.weight.shape[0] for m in modules])
    for module, part in zip(modules, parts, strict=True):
        module.weight.data = part
    return matrix


def _bias(modules: Sequence[Any]) -> Tensor | None:
    if modules[0].bias is None:
        return None
    return torch.cat([m.bias.detach() for m in modules])


def _norm_qk(attention: Any, shape: Shape) -> Tensor | None:
    if not hasattr(attention, "q_norm"):
        return None
    q, k = attention.q_norm.weight.detach(), attention.k_norm.weight.detach()
    return torch.cat((q.expand(shape.heads, -1), k.expand(shape.kv_heads, -1)))


@torch.no_grad()
def merge(base: Weights, deltas: Mapping[str, Callable[[], Tensor]]) -> Weights:
    """`base` with each layer's weights moved by its delta (out, in); the rest is shared.

    Args:
        base: as `base_weights` made it.
        deltas: by module path ("model.layers.0.mlp.up_proj", "lm_head"), called one at a time so
            that never two of them are in memory.
    """
    own = 0
    blocks: list[Block] = []
    for number, block in enumerate(base.blocks):
        changed: dict[str, Tensor] = {}
        for path, name in FUSED.items():
            delta = deltas.get(f"model.layers.{number}.{path}")
            if delta is None:
                continue
            if name not in changed:
                changed[name] = block.matrices[name].clone()
            part = changed[name][block.rows[path]]
            part.copy_(part.float() + delta())
        own += sum(m.nbytes for m in changed.values())
        blocks.append(replace(block, matrices={**block.matrices, **changed}))
    head = base.head
    if "lm_head" in deltas:
        head = (head.float() + deltas["lm_head"]()).to(head.dtype)
        own += head.nbytes
    return replace(base, blocks=blocks, head=head, own_bytes=own)
