"""Compares student code with the reference on generated inputs and explains the first difference.

What a lab's `judge.py` and `checks.py` import: `exercise`, `agree`, `require`, `Tolerance`, `EXACT`.
"""
