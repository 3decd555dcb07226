"""A music catalogue, made up here and the same every time: what the demo, the sandbox and the tests read.

    artist ─< album ─< track >─ genre, media_type
                         ├─< playlist_track >─ playlist
                         └─< invoice_line >─ invoice >─ customer >─ employee >─ employee

The tables and columns are those of the well-known Chinook sample, so that its tutorials work; the rows are
ours. Among them are composite keys, nulls, exact decimals, timestamps and a table that refers to itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

from sandbox import music_words as words

Row = tuple[object, ...]
T = TypeVar("T")

ARTISTS = 275
ALBUMS = 347
TRACKS = 3500
PLAYLISTS = 18
TRACKS_OF_A_PLAYLIST = 160
CUSTOMERS = 60
INVOICES = 412

SCHEMA = """
CREATE TABLE artist (artist_id int PRIMARY KEY, name varchar(120));
CREATE TABLE album (
    album_id int PRIMARY KEY, title varchar(160) NOT NULL, artist_id int NOT NULL REFERENCES artist);
CREATE TABLE genre (genre_id int PRIMARY KEY, name varchar(120));
CREATE TABLE media_type (media_type_id int PRIMARY KEY, name varchar(120));
CREATE TABLE track (
    track_id int PRIMARY KEY, name varchar(200) NOT NULL, album_id int REFERENCES album,
    media_type_id int NOT NULL REFERENCES media_type, genre_id int REFERENCES genre, composer varchar(220),
    milliseconds int NOT NULL, bytes int, unit_price numeric(10,2) NOT NULL);
CREATE TABLE playlist (playlist_id int PRIMARY KEY, name varchar(120));
CREATE TABLE playlist_track (
    playlist_id int REFERENCES playlist, track_id int REFERENCES track, PRIMARY KEY (playlist_id, track_id));
CREATE TABLE employee (
    employee_id int PRIMARY KEY, last_name varchar(20) NOT NULL, first_name varchar(20) NOT NULL,
    title varchar(30), reports_to int REFERENCES employee, birth_date timestamp, hire_date timestamp,
    city varchar(40), country varchar(40), email varchar(60));
CREATE TABLE customer (
    customer_id int PRIMARY KEY, first_name varchar(40) NOT NULL, last_name varchar(20) NOT NULL,
    company varchar(80), city varchar(40), country varchar(40), email varchar(60) NOT NULL,
    support_rep_id int REFERENCES employee);
CREATE TABLE invoice (
    invoice_id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, invoice_date timestamp NOT NULL,
    billing_city varchar(40), billing_country varchar(40), total numeric(10,2) NOT NULL);
CREATE TABLE invoice_line (
    invoice_line_id int PRIMARY KEY, invoice_id int NOT NULL REFERENCES invoice,
    track_id int NOT NULL REFERENCES track, unit_price numeric(10,2) NOT NULL, quantity int NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the catalogue and its rows, in the order of its columns."""

    name: str
    rows: Sequence[Row]


def script() -> str:
    """Return the whole catalogue as one psql script, for an empty database."""
    return SCHEMA + "".join(_copy(table) for table in tables())


def tables() -> Sequence[Table]:
    """Return every table with its rows, each after the tables it refers to. The same on every call."""
    random = Random(1704)  # noqa: S311 - the same rows every time is the point
    artists = [(number, name) for number, name in enumerate(_artist_names(random), 1)]
    albums = [
        (number, _title(random), number if number <= ARTISTS else 1 + _below(random, ARTISTS))
        for number in range(1, ALBUMS + 1)
    ]
    tracks = [_track(random, number) for number in range(1, TRACKS + 1)]
    customers = [_customer(random, number) for number in range(1, CUSTOMERS + 1)]
    invoices, lines = _invoices(random, tracks, customers)
    return (
        Table("artist", artists),
        Table("album", albums),
        Table("genre", list(enumerate(words.GENRES, 1))),
        Table("media_type", list(enumerate(words.MEDIA_TYPES, 1))),
        Table("track", tracks),
        Table("playlist", list(enumerate(_sample(random, words.MOODS, PLAYLISTS), 1))),
        Table("playlist_track", list(_playlist_tracks(random))),
        Table("employee", list(_employees(random))),
        Table("customer", customers),
        Table("invoice", invoices),
        Table("invoice_line", lines),
    )


def _artist_names(random: Random) -> Sequence[str]:
    every = [f"{first} {second}" for first in words.ADJECTIVES for second in words.NOUNS]
    return [f"The {name}" if _below(random, 3) == 0 else name for name in _sample(random, every, ARTISTS)]


def _title(random: Random) -> str:
    match _below(random, 4):
        case 0:
            return f"{_pick(random, words.MOODS)} for {_pick(random, words.NOUNS)}"
        case 1:
            return f"{_pick(random, words.ADJECTIVES)} {_pick(random, words.MOODS)}"
        case 2:
            return f"{_pick(random, words.NOUNS)} and {_pick(random, words.NOUNS)}"
        case _:
            return f"{_pick(random, words.PLACES)[0]} {_pick(random, words.MOODS)}"


def _track(random: Random, number: int) -> Row:
    milliseconds = 90_000 + _below(random, 330_000)
    is_video = _below(random, 20) == 0
    composer = f"{_pick(random, words.FIRST_NAMES)} {_pick(random, words.LAST_NAMES)}"
    return (
        number,
        f"{_pick(random, words.ADJECTIVES)} {_pick(random, words.NOUNS)}",
        1 + (number - 1) % ALBUMS,
        3 if is_video else 1 + _below(random, 2),
        1 + _below(random, len(words.GENRES)),
        None if _below(random, 4) == 0 else composer,
        milliseconds,
        milliseconds * (80 if is_video else 32) + _below(random, 1000),
        Decimal("1.99") if is_video else Decimal("0.99"),
    )


def _playlist_tracks(random: Random) -> Iterator[Row]:
    everything = range(1, TRACKS + 1)
    for playlist in range(1, PLAYLISTS + 1):
        for track in sorted(_sample(random, everything, TRACKS_OF_A_PLAYLIST)):
            yield playlist, track


def _employees(random: Random) -> Iterator[Row]:
    for number, (title, reports_to) in enumerate(words.STAFF, 1):
        first, last = words.FIRST_NAMES[number], words.LAST_NAMES[number]
        born = datetime(1960, 1, 1) + timedelta(days=_below(random, 12_000))
        hired = datetime(2012, 1, 1) + timedelta(days=_below(random, 2_000))
        city, country = words.PLACES[number % 4]
        email = _email(first, last, "music.example")
        yield number, last, first, title, reports_to, born, hired, city, country, email


def _customer(random: Random, number: int) -> Row:
    first, last = _pick(random, words.FIRST_NAMES), _pick(random, words.LAST_NAMES)
    city, country = _pick(random, words.PLACES)
    company = f"{last} & {_pick(random, words.NOUNS)}" if _below(random, 5) == 0 else None
    agent = 3 + _below(random, 3)
    return number, first, last, company, city, country, _email(first, last, f"mail{number}.example"), agent


def _invoices(random: Random, tracks: Sequence[Row], customers: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    invoices: list[Row] = []
    lines: list[Row] = []
    date = datetime(2021, 1, 1, 9, 30)
    for number in range(1, INVOICES + 1):
        date += timedelta(hours=1 + _below(random, 100), minutes=_below(random, 60))
        customer = _pick(random, customers)
        total = Decimal(0)
        for track in _sample(random, tracks, 1 + _below(random, 10)):
            price = track[-1]
            assert isinstance(price, Decimal)  # noqa: S101 - for the type checker
            total += price
            lines.append((len(lines) + 1, number, track[0], price, 1))
        invoices.append((number, customer[0], date, customer[4], customer[5], total))
    return invoices, lines


def _email(first: str, last: str, domain: str) -> str:
    return f"{first}.{last}@{domain}".lower()


def _below(random: Random, bound: int) -> int:
    """Draw from 0 to `bound` - 1 by the one method that Python promises never to change."""
    return int(random.random() * bound)


def _pick(random: Random, choices: Sequence[T]) -> T:
    return choices[_below(random, len(choices))]


def _sample(random: Random, choices: Sequence[T], count: int) -> list[T]:
    """Draw `count` different ones."""
    left = list(choices)
    return [left.pop(_below(random, len(left))) for _ in range(count)]


def _copy(table: Table) -> str:
    lines = "".join("\t".join(map(_copy_value, row)) + "\n" for row in table.rows)
    return f"COPY {table.name} FROM stdin;\n{lines}\\.\n"


def _copy_value(value: object) -> str:
    """Write a value as COPY reads it; none of ours holds a tab, a line feed or a backslash."""
    return "\\N" if value is None else str(value)
