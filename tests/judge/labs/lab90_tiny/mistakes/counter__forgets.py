"""add() returns the sum but does not store it: the next add starts again."""


class Counter:
    def __init__(self, start):
        self.total = start

    def add(self, n):
        return self.total + n
