"""The text the base model is pretrained on, written by this package and by nothing else.

Every document is a function of a seed and an index, so a run can stop anywhere and go on. `mix`
says how much of each kind there is; the other modules write one kind each.
"""
