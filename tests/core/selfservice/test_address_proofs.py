from datetime import UTC, datetime, timedelta

import pytest

from regulars.customers.identities import read_identity
from regulars.selfservice.address_proofs import PROOF_LIFETIME, read_address_proof, write_address_proof
from regulars.selfservice.refusals import LinkUnknown

SECRET = "a secret of the tests"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDRESS = read_identity("email", "Zoë@Example.org")


def test_a_proof_gives_the_address_back() -> None:
    proof = write_address_proof(ADDRESS, purpose="no_scores", secret=SECRET, now=NOW)

    assert read_address_proof(proof, purpose="no_scores", secret=SECRET, now=NOW + timedelta(minutes=59)) == ADDRESS


def test_a_proof_tells_nobody_whose_it_is() -> None:
    proofs = {write_address_proof(ADDRESS, purpose="no_scores", secret=SECRET, now=NOW) for _ in range(2)}

    assert len(proofs) == 2
    assert "example" not in "".join(proofs)


@pytest.mark.parametrize(
    ("purpose", "secret", "now"),
    [
        ("other", SECRET, NOW),
        ("no_scores", "another secret", NOW),
        ("no_scores", SECRET, NOW + PROOF_LIFETIME),
    ],
)
def test_a_proof_of_another_use_server_or_hour_proves_nothing(purpose: str, secret: str, now: datetime) -> None:
    proof = write_address_proof(ADDRESS, purpose="no_scores", secret=SECRET, now=NOW)

    with pytest.raises(LinkUnknown):
        read_address_proof(proof, purpose=purpose, secret=secret, now=now)


@pytest.mark.parametrize("text", ["", "AAAA", "é", "A" * 3000, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_what_was_never_written_proves_nothing(text: str) -> None:
    with pytest.raises(LinkUnknown):
        read_address_proof(text, purpose="no_scores", secret=SECRET, now=NOW)
