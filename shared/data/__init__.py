"""Datasets the labs and the cookbook's recipes use, written by generators of our own.

Every text is synthetic: `public` gives it the columns of a public dataset and that dataset's name,
so that code written for the public one runs offline. Nothing here was taken from the public ones.
"""
