"""Signed links to stored files."""

import pytest

from filmgate.storage.signing import sign, verify

KEY = "results/task_01J/3/film.mp4"
SECRET = b"0123456789abcdef0123456789abcdef"


def test_a_signature_belongs_to_one_key_one_time_and_one_secret() -> None:
    signature = sign(KEY, 1763174708, SECRET)
    assert verify(KEY, 1763174708, signature, SECRET)
    assert not verify(KEY + "x", 1763174708, signature, SECRET)
    assert not verify(KEY, 1763174709, signature, SECRET)
    assert not verify(KEY, 1763174708, signature, SECRET[::-1])
    for place in range(len(signature)):
        other = "A" if signature[place] != "A" else "B"
        forged = signature[:place] + other + signature[place + 1 :]
        assert not verify(KEY, 1763174708, forged, SECRET)


@pytest.mark.parametrize("signature", ["", "A" * 43, "ä", "\ud800", "=", "A" * 10_000])
def test_any_text_may_be_offered_as_a_signature(signature: str) -> None:
    assert not verify(KEY, 1763174708, signature, SECRET)


def test_a_signature_is_the_same_in_every_release() -> None:
    assert sign("a/b", 1, SECRET) == "LzLG01XINsnVxleJ7sE8IpXeKwCsbOubZ8-gkbqlVAw"
    assert len(sign(KEY, 10**12, SECRET)) == 43


def test_digits_cannot_move_between_time_and_key() -> None:
    assert sign("1/a", 1, SECRET) != sign("/a", 11, SECRET)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        sign(KEY, 1, b"short")
