"""Bytes that are kept in a process by what is in them."""

import hashlib

import pytest

from src_models.computing.cluster.parcels import forget, keep, key_of, parcel


def test_bytes_are_known_by_their_sha256_and_only_while_they_are_kept():
    content = b"weights" * 100
    key = key_of(content)
    assert key == hashlib.sha256(content).hexdigest()
    with pytest.raises(KeyError):
        parcel(key)
    keep(key, content)
    assert parcel(key) is content
    forget(key)
    forget(key)
    with pytest.raises(KeyError):
        parcel(key)
