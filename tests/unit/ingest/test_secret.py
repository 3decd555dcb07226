"""No piece of a secret is in anything that is printed of it."""

import copy
import pickle
from dataclasses import dataclass

import pytest

from ingest.secret import STARS, Secret

TEXT = "hunter2-canary"


@dataclass(frozen=True)
class Settings:
    """Something that holds one, as the configuration does."""

    password: Secret


@pytest.mark.parametrize(
    "printed",
    [
        repr(Secret(TEXT)),
        str(Secret(TEXT)),
        f"{Secret(TEXT)}",
        f"{Secret(TEXT):>20}",
        f"{Secret(TEXT)!r}",
        "{}".format(Secret(TEXT)),  # noqa: UP032
        "%s" % Secret(TEXT),  # noqa: UP031
    ],
)
def test_b12_whatever_is_printed_is_stars(printed: str) -> None:
    assert printed == STARS


def test_b12_neither_do_those_that_hold_it_show_it() -> None:
    shown = f"{Settings(Secret(TEXT))} {[Secret(TEXT)]} {vars(Settings(Secret(TEXT)))}"

    assert not any(TEXT[start : start + 3] in shown for start in range(len(TEXT) - 2))


def test_it_is_copied_as_itself_and_not_pickled() -> None:
    secret = Secret(TEXT)

    assert copy.deepcopy(secret).reveal() == TEXT
    with pytest.raises(TypeError):
        pickle.dumps(secret)
