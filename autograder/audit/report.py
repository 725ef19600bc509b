"""What an audit found: one bar per claim, each with what failed it. Plain data, JSON in and out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SHOWN_FAILURES = 10


class Bar(BaseModel):
    """One claim about the judge, how it was measured and what breaks it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    measured: str
    required: str
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True when nothing breaks the claim."""
        return not self.failures


class AuditReport(BaseModel):
    """All bars of one lab."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lab: str
    bars: tuple[Bar, ...]

    @property
    def passed(self) -> bool:
        """True when every bar holds."""
        return all(bar.passed for bar in self.bars)

    def failures_text(self) -> str:
        """The broken bars, a line for each thing that broke them."""
        lines: list[str] = []
        for bar in self.bars:
            shown = bar.failures[:SHOWN_FAILURES]
            lines += [f"{bar.name}: {failure}" for failure in shown]
            if len(bar.failures) > len(shown):
                lines.append(f"{bar.name}: and {len(bar.failures) - len(shown)} more")
        return "\n".join(lines)
