"""The learning experiments that `benchmarks/learning.py` runs: tasks, loops, tables and curves."""
