"""What the base model can do, measured: the figures of its model card.

`python -m shared.models.base.skills` measures the shipped weights and writes skills.json and
MODEL_CARD.md beside them. The card's figures are never typed.
"""
