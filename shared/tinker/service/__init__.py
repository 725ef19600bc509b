"""The embedded Tinker service: the protocol of the SDK, served on loopback from a small model."""
