"""Public cases of the lab whose door is attacked."""

from autograder.judge import exercise, expect


@exercise("train")
def test_one_step_is_taken(student, requests):
    student.train(0.5)
    expect(requests.learning_rates, [0.5])
