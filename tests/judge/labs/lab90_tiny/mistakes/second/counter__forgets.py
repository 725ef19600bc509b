"""A local variable."""


class Counter:
    def __init__(self, start):
        self.start = start

    @property
    def total(self):
        return self.start

    def add(self, n):
        result = self.start
        result += n
        return result
