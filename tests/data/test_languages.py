"""Sentences in many languages: every code appears, and scripts are what the codes say."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest

from shared.data.languages import CODES, SENTENCES, text_with_language

SCRIPTS = {
    "ar": "ARABIC",
    "ur": "ARABIC",
    "de": "LATIN",
    "el": "GREEK",
    "en": "LATIN",
    "es": "LATIN",
    "fr": "LATIN",
    "hi": "DEVANAGARI",
    "ru": "CYRILLIC",
    "tr": "LATIN",
    "vi": "LATIN",
    "zh": "CJK",
}


def test_the_codes_are_those_of_the_cookbooks_classifier() -> None:
    from tinker_cookbook.recipes.prompt_distillation.create_data import (
        LANGUAGE_CLASSIFICATION_PROMPT,
    )

    said = LANGUAGE_CLASSIFICATION_PROMPT.partition("Where xx")[2].partition("{{")[2]
    assert set(said.partition("}}")[0].split(", ")) == set(CODES)


def test_every_code_is_about_as_frequent_as_the_others() -> None:
    rng = Random(0)
    seen = [text_with_language(rng)[1] for _ in range(2600)]
    # 200 of each expected, standard deviation 14: 5 of them.
    assert all(130 < seen.count(code) < 270 for code in CODES)


@pytest.mark.parametrize("code", SENTENCES)
def test_every_letter_is_of_the_languages_script(code: str) -> None:
    letters = [c for c in "".join(SENTENCES[code]) if c.isalpha()]
    assert all(unicodedata.name(c).startswith(SCRIPTS[code]) for c in letters)


def test_urdu_has_letters_that_arabic_has_not() -> None:
    only = set("".join(SENTENCES["ur"])) - set("".join(SENTENCES["ar"]))
    assert {"ے", "ں", "ٹ"} <= only


def test_a_text_depends_on_the_generator_alone() -> None:
    assert [text_with_language(Random(7)) for _ in range(2)] == [text_with_language(Random(7))] * 2
