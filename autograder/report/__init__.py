"""The instructor's overview of one graded lab: who got what, and what the class got wrong."""
