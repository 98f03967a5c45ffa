"""The hash of a document, as clients write it."""

from typing import Any

import pytest

from regulars.trusted_documents.hashes import DocumentIdRefused, document_hash, hash_asked_for

HASH = document_hash("{ viewer { kind } }")


@pytest.mark.parametrize(
    ("document_id", "extensions"),
    [
        (f"sha256:{HASH}", {}),
        (HASH, {}),
        (None, {"persistedQuery": {"version": 1, "sha256Hash": HASH}}),
        (f"sha256:{HASH}", {"persistedQuery": {"version": 1, "sha256Hash": HASH}}),
    ],
    ids=["document id", "bare hash", "persisted query", "both"],
)
def test_each_way_names_the_same_document(document_id: object, extensions: dict[str, Any]) -> None:
    assert hash_asked_for(document_id, extensions) == HASH


def test_most_requests_name_none() -> None:
    assert hash_asked_for(None, {"plan": True}) is None


@pytest.mark.parametrize(
    ("document_id", "extensions"),
    [
        ("sha256:nonsense", {}),
        ("", {}),
        (7, {}),
        (f"md5:{HASH}", {}),
        (HASH.upper(), {}),
        (None, {"persistedQuery": "x"}),
        (HASH, {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}),
    ],
    ids=["no hash", "empty", "a number", "another kind", "capitals", "no object", "two documents"],
)
def test_what_is_no_id_is_refused(document_id: object, extensions: dict[str, Any]) -> None:
    with pytest.raises(DocumentIdRefused):
        hash_asked_for(document_id, extensions)
