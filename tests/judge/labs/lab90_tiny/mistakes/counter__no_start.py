"""You start from 0 instead of from start."""


class Counter:
    def __init__(self, start):
        self.total = 0

    def add(self, n):
        self.total += n
        return self.total
