"""The words that the music catalogue's names are made of."""
# ruff: noqa: SIM905 - a paragraph of words reads better than a column of quotes

ADJECTIVES = tuple(
    """
    Amber Ancient Bitter Bright Broken Burning Distant Electric Endless Faded Floating Forgotten
    Gentle Golden Hollow Hungry Invisible Lonely Lucid Midnight Northern Paper Quiet Restless
    Rolling Sleepless Slow Southern Velvet Winter
""".split()
)

NOUNS = tuple(
    """
    Anchors Arrows Bridges Cartographers Cinders Clouds Comets Cranes Dreamers Engines Foxes Gardens
    Harbours Horses Islands Keys Lanterns Letters Lighthouses Machines Meadows Mirrors Oceans
    Orchards Planets Rivers Satellites Shadows Sparrows Towers Trains Windows
""".split()
)

MOODS = tuple(
    """
    Afternoon Arrival Daybreak Echo Evening Farewell Hymn Journey Lullaby Memory Nocturne Overture
    Postcard Promise Reunion Silence Sketches Songs Stories Weather
""".split()
)

GENRES = (
    "Ambient", "Blues", "Bolero", "Chamber Music", "Chanson", "Choral", "Country", "Dub", "Electronic",
    "Fado", "Flamenco", "Folk", "Funk", "Hip Hop", "House", "Jazz", "Metal", "Opera", "Pop", "Punk",
    "R&B/Soul", "Reggae", "Rock", "Soundtrack", "Tango",
)  # fmt: skip

MEDIA_TYPES = ("MPEG audio", "AAC audio", "MPEG-4 video", "FLAC audio", "Ogg Vorbis audio")

FIRST_NAMES = tuple(
    """
    Ada Aiko Ana Björn Chloé Dmitri Elif Emeka Fatima Finn Grace Håkon Ines Ivan Jonas Kofi Leila
    Luca Mei Milan Nora Olga Pedro Priya Rosa Søren Tariq Uma Wei Zoë
""".split()
)

LAST_NAMES = tuple(
    """
    Almeida Andersson Bianchi Çelik Dubois Eriksen Fischer García Haddad Horváth Ito Jansen Kowalski
    Lindqvist Mensah Moreau Nakamura Novák O'Brien Okafor Papadakis Patel Rossi Sørensen Silva
    Tanaka Weber Yılmaz Zhang Žižek
""".split()
)

PLACES = (
    ("Berlin", "Germany"), ("Toronto", "Canada"), ("Porto", "Portugal"), ("Osaka", "Japan"),
    ("Zürich", "Switzerland"), ("São Paulo", "Brazil"), ("Accra", "Ghana"), ("Kraków", "Poland"),
    ("Oslo", "Norway"), ("Lyon", "France"), ("Chennai", "India"), ("Valparaíso", "Chile"),
    ("Cork", "Ireland"), ("İzmir", "Türkiye"), ("Seattle", "USA"), ("Wellington", "New Zealand"),
)  # fmt: skip

STAFF = (
    ("General Manager", None), ("Sales Manager", 1), ("Sales Support Agent", 2), ("Sales Support Agent", 2),
    ("Sales Support Agent", 2), ("IT Manager", 1), ("IT Staff", 6), ("IT Staff", 6),
)  # fmt: skip
"""Title of each employee, and the number of the one they report to."""
