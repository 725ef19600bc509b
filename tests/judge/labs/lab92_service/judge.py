"""Hidden cases of the lab that trains: graded by what the service was asked."""

from autograder.judge import Tolerance, exercise, expect, require
from autograder.judge.requests import hash_of

TOKENS = [11, 12, 13, 14, 15]
FLOAT32 = Tolerance(rtol=1e-6, why="a float32 that travelled as JSON")


@exercise("train", points=2)
def test_the_service_was_asked_to_train(student, requests):
    losses = student.train(TOKENS, 3, 0.02)
    expect(requests.learning_rates, [0.02] * 3)
    wanted = hash_of(TOKENS[:-1], target_tokens=TOKENS[1:], weights=[1.0] * 4)
    expect(requests.datums, [[wanted]] * 3)
    require(requests.losses[-1] < requests.losses[0], expected="a falling loss", got=losses)
    expect(losses, requests.losses, FLOAT32)
    saved = requests.checkpoints
    require([path.endswith("/end") for path in saved] == [True], expected="one save", got=saved)


@exercise("train", points=1, core=False)
def test_one_step(student, requests):
    student.train(TOKENS, 1, 0.5)
    expect(requests.learning_rates, [0.5])


@exercise("double", points=1)
def test_double(student):
    expect(student.double(4), 8)
