"""Hidden cases of the tiny lab. The line below must never reach a student."""

HIDDEN = "a hidden case of the judge"
