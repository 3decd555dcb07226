"""Small working stand-ins: real behaviour, no I/O, no scripts about how they are called."""
