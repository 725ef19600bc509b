"""Tinker Lab Kit: the library the labs use. Never imports `autograder`."""
