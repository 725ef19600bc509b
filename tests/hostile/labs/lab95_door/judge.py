"""Hidden cases of the lab whose door is attacked. CANARY_94: no student may read this text."""

from autograder.judge import exercise, expect


@exercise("train", points=3)
def test_the_service_was_asked_CANARY_94(student, requests):
    student.train(0.25)
    expect(requests.learning_rates, [0.25])
