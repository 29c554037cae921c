"""Chance that is the same on every machine: built on random.Random(int).random() alone, which Python promises to keep, and on + - * /, which IEEE 754
does. No exp, log or hash(): they differ between libraries, versions and runs."""
import hashlib
import random

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Draw:
    def __init__(self, *names):
        digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
        self.number = random.Random(int.from_bytes(digest[:8], "big")).random

    def chance(self, rate):
        return self.number() < rate

    def below(self, end):
        return int(self.number() * end)

    def between(self, low, high):
        return low + int(self.number() * (high - low + 1))

    def pick(self, values):
        return values[int(self.number() * len(values))]

    def weighted(self, values, weights):
        rest = self.number() * sum(weights)
        for value, weight in zip(values, weights):
            rest -= weight
            if rest < 0:
                return value
        return values[-1]

    def some(self, values, count):
        """count different ones, in an order that is drawn."""
        left = list(values)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]

    def text(self, alphabet, size):
        return "".join([alphabet[int(self.number() * len(alphabet))] for _ in range(size)])

    def bell(self):
        """0 to 1, mostly near the middle."""
        return (self.number() + self.number() + self.number() + self.number()) / 4

    def tail(self, typical, high):
        """0 to high: half of the time near what is typical, and each doubling beyond a third as often."""
        value = typical * (self.number() + self.number() * 0.5)
        while value < high and self.chance(0.34):
            value = value * 2 + typical * 0.1
        return min(value, high)


def skewed(count, floor=0.03):
    """Weights as of words in a text: the n-th has a n-th of the first, none less than floor."""
    return [max(1 / (1 + place), floor) for place in range(count)]
