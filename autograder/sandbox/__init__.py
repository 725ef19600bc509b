"""Runs untrusted code in a jailed fork of a warm process, and talks to it without pickle."""
