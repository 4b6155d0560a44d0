"""Device ids are those that Syncthing would show for the same certificate."""

from __future__ import annotations

from memcloud.device_id import device_id, readable


def test_an_id_has_the_form_of_syncthing() -> None:
    """An id that Syncthing's own tests use, with its check characters."""
    digest = bytes.fromhex("7f7c8723ecca5b4d22061c4981b34c34d865ec376be1eb74330873c9a6f9b205")
    expected = "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"
    assert readable(digest) == expected


def test_other_certificates_have_other_ids() -> None:
    """Of eight groups of seven characters each."""
    ids = {device_id(b"%d" % number) for number in range(100)}
    assert len(ids) == 100
    assert all([len(group) for group in text.split("-")] == [7] * 8 for text in ids)
