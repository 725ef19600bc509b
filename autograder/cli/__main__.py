"""`python -m autograder.cli`, where the script `labkit` is not on the PATH."""

from autograder.cli import main

main()
