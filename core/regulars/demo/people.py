"""Invent people: a name, an address at a domain that cannot exist, and where they live."""

import unicodedata
from dataclasses import dataclass
from random import Random

__all__ = ["MAIL_DOMAIN", "Person", "invent_person"]

MAIL_DOMAIN = "invented.example"

GIVEN_NAMES = (
    *("Ada", "Aisha", "Amélie", "Ana", "Anna", "Arjun", "Ben", "Bilal", "Carla", "Chen", "Chidi", "Clara", "Dalia"),
    *("David", "Elif", "Emeka", "Emma", "Erik", "Fatima", "Felix", "Grace", "Hana", "Henry", "Ines", "Isaac", "Ivan"),
    *("Jack", "Jin", "João", "Jonas", "Kai", "Keiko", "Lars", "Laura", "Leila", "Liam", "Lucía", "Maria", "Marta"),
    *("Mei", "Miguel", "Mila", "Nadia", "Noah", "Nora", "Olga", "Omar", "Paul", "Priya", "Rosa", "Ruth", "Samir"),
    *("Sara", "Sofia", "Tariq", "Tom", "Uma", "Vera", "Wei", "Yara", "Yusuf", "Zoë"),
)
FAMILY_NAMES = (
    *("Adeyemi", "Ahmed", "Almeida", "Andersen", "Bauer", "Bell", "Bianchi", "Brown", "Castro", "Chowdhury", "Clarke"),
    *("Cohen", "Costa", "Dubois", "Eriksen", "Fischer", "Fujita", "García", "Green", "Haddad", "Hansen", "Hill"),
    *("Ivanova", "Jensen", "Johnson", "Kaya", "Khan", "Kim", "Kowalski", "Lee", "Lopez", "Mbeki", "Meyer", "Miller"),
    *("Moreau", "Murphy", "Nakamura", "Nguyen", "Novak", "Okafor", "Olsen", "Park", "Patel", "Petrov", "Popescu"),
    *("Reyes", "Rossi", "Sato", "Schmidt", "Silva", "Singh", "Smith", "Suzuki", "Taylor", "Tran", "Walker", "Wang"),
    *("Weber", "Wilson", "Wood", "Yilmaz", "Young", "Zhang"),
)
HOMES = {
    ("America/New_York", "US-NY", "en"): 24,
    ("America/Los_Angeles", "US-CA", "en"): 22,
    ("America/Chicago", "US-IL", "en"): 18,
    ("America/Chicago", "US-TX", "es"): 9,
    ("America/Denver", "US-CO", "en"): 8,
    ("America/Toronto", "CA-ON", "en"): 8,
    ("Europe/London", "GB", "en"): 6,
    ("Europe/Berlin", "DE", "de"): 3,
    ("Asia/Tokyo", "JP", "ja"): 2,
}
"""Time zone, jurisdiction and language, with the share of customers in percent."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    display_name: str
    email: str
    time_zone: str
    jurisdiction: str
    language: str


def invent_person(chance: Random, *, customer: str) -> Person:
    """Return a person for a customer; ``customer`` keeps the address unique."""
    given, family = chance.choice(GIVEN_NAMES), chance.choice(FAMILY_NAMES)
    time_zone, jurisdiction, language = chance.choices(list(HOMES), list(HOMES.values()))[0]
    return Person(
        display_name=f"{given} {family}",
        email=f"{_plain(given)}.{_plain(family)}.{customer}@{MAIL_DOMAIN}",
        time_zone=time_zone,
        jurisdiction=jurisdiction,
        language=language,
    )


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
