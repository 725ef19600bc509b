"""Models: the shipped base model and the folder that makes it known to Hugging Face's libraries.

`base` holds the model, `hub` a cache folder in which it and the datasets are found by name.
"""
