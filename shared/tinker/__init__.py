"""Tinker for the labs: connect to a server, or to the embedded service when there is none."""
