"""An event loop beside busy threads in one interpreter."""

import sys

__all__ = ["favour_the_loop"]

# Each time that the loop comes back from the network it waits for the interpreter's lock: at Python's own 5 ms, some 350
# polls a second and halts of 170 ms beside 27 threads on two busy cores; at half a millisecond 500 and 105 ms.
_SWITCH_S = 0.0005


def favour_the_loop() -> None:
    """Have threads give up the interpreter soon after the loop wants it; for processes that poll."""
    sys.setswitchinterval(_SWITCH_S)
