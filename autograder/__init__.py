"""Build, check, judge and grade the labs."""
