"""Every cap of the service in one frozen record, so that one place says what is too much.

A cap is refused at submission with the figure and the way round it. Budgets are not here: they
belong to keys. A model's own context length is the engine's to know; the smaller one wins.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.tinker.errors import OverLimitError, UserError

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request, one session and the whole state folder may cost."""

    body_bytes: int = 128 * MEBIBYTE
    """One request's body, unpacked. The SDK cuts batches at 64 MB (see `client/config`)."""

    datums: int = 4096
    """Sequences in one forward_backward; the SDK is told to cut there."""

    batch_tokens: int = 1_000_000
    """Tokens in one forward_backward, all datums together."""

    tensor_cells: int = 32_000_000
    """Cells of one loss input, dense. A sparse tensor of a few bytes can name any shape."""

    context: int = 32_768
    """Tokens of one sequence: prompt and completion."""

    num_samples: int = 1024
    """Completions of one prompt."""

    sampled_tokens: int = 2_000_000
    """`num_samples * max_tokens` of one request."""

    queued: int = 4096
    """Unfinished requests of one session. Beyond it: HTTP 429, and the SDK waits and retries."""

    models: int = 32
    """Live LoRA models of one session."""

    snapshots: int = 128
    """Unnamed sampler snapshots kept in memory for one session; the oldest ones go first."""

    disk_bytes: int = 20 * 1024 * MEBIBYTE
    """All checkpoints in the state folder."""

    free_disk_bytes: int = 64 * MEBIBYTE
    """What a save must leave free on the disk."""

    hold_seconds: float = 20.0
    """How long `retrieve_future` waits before it says try again. The SDK gives up at 45 s."""

    heartbeat_seconds: float = 40.0
    """A session that is silent for so long has ended. The SDK sends a heartbeat every 10 s."""

    gap_seconds: float = 2.0
    """How long a request waits for one with a smaller seq_id that has not arrived."""

    withhold_seconds: float = 1.0
    """How long a graded key's loss is held back at most (see `withhold`)."""

    keep_seconds: float = 120.0
    """How long a retrieved result stays in memory, for a client that lost the answer."""


def check_cap(name: str, value: int, cap: int, remedy: str) -> None:
    """Refuse `value` above `cap`; raises `OverLimitError`."""
    if value > cap:
        raise OverLimitError(f"{name} is {value:,}, at most {cap:,} are allowed here. {remedy}")


def check_at_least(name: str, value: int, least: int) -> None:
    """Refuse `value` below `least`; raises `UserError`."""
    if value < least:
        raise UserError(f"{name} is {value}, expected at least {least}.")
