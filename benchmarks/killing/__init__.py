"""What `benchmarks/killed.py` is made of."""
