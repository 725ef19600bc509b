"""The numbers a pretraining run is made from. Together with the code they determine it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.models.base.corpus.mix import DEFAULT_VARIANT, VARIANTS


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run. The defaults are the shipped model's."""

    steps: int = 5000
    rows: int = 8
    row_length: int = 384
    seed: int = 0
    variant: str = DEFAULT_VARIANT
    peak_learning_rate: float = 3e-3
    """Of AdamW, which trains embedding, output layer and norms."""
    warmup: int = 100
    final_fraction: float = 0.03
    """Learning rate of the last step over the peak."""
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    matrix_learning_rate: float = 0.02
    """Peak of Muon's, which trains the matrices inside the blocks."""
    matrix_weight_decay: float = 0.02
    matrix_momentum: float = 0.95
    clip: float = 1.0

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(
                f"There is no corpus variant {self.variant!r}. Choose from {', '.join(VARIANTS)}."
            )
        if min(self.steps, self.rows, self.row_length) < 1:
            raise ValueError(
                f"steps, rows and row_length must be at least 1, not {self.steps}, {self.rows} "
                f"and {self.row_length}."
            )

    def fraction(self, step: int) -> float:
        """Of the peak: linear warm-up, then linear decay to `final_fraction`; steps from 0."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        left = (self.steps - step) / max(1, self.steps - self.warmup)
        return self.final_fraction + (1 - self.final_fraction) * max(0.0, left)

    def learning_rate(self, step: int) -> float:
        """AdamW's; Muon's is in proportion."""
        return self.peak_learning_rate * self.fraction(step)

    def as_dict(self) -> dict[str, int | float | str]:
        """All fields, for a file."""
        return asdict(self)
