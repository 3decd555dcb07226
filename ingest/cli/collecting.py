"""When Python looks for garbage in cycles: not while the process imports, which leaves next to none.

Looking for it all the same took a sixth of the processor time of a start.
"""

import gc


def put_off() -> None:
    """Look for no garbage until the work begins."""
    gc.disable()


def begin() -> None:
    """Look for garbage from now on, if that was put off; what was imported stays anyway, so not among it."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
