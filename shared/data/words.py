"""The small vocabulary that the synthetic texts are made of: plain English, short and common."""

from __future__ import annotations

NAMES = ("Tom", "Anna", "Sam", "Mia", "Ben", "Lucy", "Max", "Ella", "Leo", "Nina", "Jack", "Rosa")
"""First names. Texts about them use "they"."""

COUNTED = (
    "apples",
    "books",
    "coins",
    "pens",
    "cards",
    "eggs",
    "stones",
    "stamps",
    "shells",
    "cups",
    "balls",
    "keys",
)
"""Things that are counted in problems, in the plural."""

PLACES = ("shop", "park", "school", "garden", "kitchen", "market", "library", "farm")

THINGS: dict[str, tuple[str, str, str]] = {
    "cat": ("a small animal", "It has soft fur.", "It likes to sleep."),
    "dog": ("a friendly animal", "It has four legs.", "It likes to play."),
    "bird": ("a small animal", "It has two wings.", "It can sing."),
    "fish": ("an animal", "It lives in water.", "It can swim fast."),
    "horse": ("a big animal", "It has four legs.", "It can run fast."),
    "tree": ("a tall plant", "It has green leaves.", "It gives shade in summer."),
    "flower": ("a small plant", "It has a nice smell.", "It grows in the garden."),
    "apple": ("a sweet fruit", "It is red or green.", "It grows on a tree."),
    "bread": ("a kind of food", "It is made of flour.", "People eat it every day."),
    "soup": ("a kind of food", "It is hot.", "People eat it with a spoon."),
    "chair": ("a thing to sit on", "It has four legs.", "It stands at a table."),
    "table": ("a flat thing", "It is made of wood.", "People eat at it."),
    "lamp": ("a thing that gives light", "It stands on a table.", "People use it at night."),
    "book": ("a thing to read", "It has many pages.", "It tells a story."),
    "house": ("a place to live in", "It has a door.", "It keeps people warm."),
    "boat": ("a thing that floats", "It moves on water.", "People fish from it."),
    "train": ("a long machine", "It runs on rails.", "It carries many people."),
    "clock": ("a thing that shows the time", "It has two hands.", "It hangs on a wall."),
    "river": ("a long stream of water", "It runs to the sea.", "Fish live in it."),
    "moon": ("a round stone in the sky", "It shines at night.", "It goes around the earth."),
}
"""What it is called: what it is, and two sentences more."""

ADVICE: dict[str, tuple[str, str]] = {
    "sleep well": ("Go to bed early.", "Keep the room dark and quiet."),
    "learn new words": ("Read a little every day.", "Write each new word down."),
    "stay healthy": ("Eat fruit and drink water.", "Go for a walk every day."),
    "make tea": ("Boil the water.", "Wait three minutes before you drink."),
    "grow a plant": ("Put the seed in soft earth.", "Give it water and light."),
    "find a lost key": ("Look where you had it last.", "Ask a friend to help you."),
    "clean a table": ("Take everything off it.", "Use a wet cloth."),
    "save money": ("Write down what you buy.", "Put some coins away each week."),
    "make a friend": ("Say hello with a smile.", "Ask what they like."),
    "bake bread": ("Mix flour, water and salt.", "Bake it until it is brown."),
}
"""What someone wants to do: two short pieces of advice."""
