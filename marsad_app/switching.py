"""An event loop beside busy threads in one interpreter."""

import gc
import sys

__all__ = ["favour_the_loop", "set_loaded_aside"]

# Each time that the loop comes back from the network it waits for the interpreter's lock: at Python's own 5 ms, some 350
# polls a second and halts of 170 ms beside 27 threads on two busy cores; at half a millisecond 500 and 105 ms.
_SWITCH_S = 0.0005


def favour_the_loop() -> None:
    """Have threads give up the interpreter soon after the loop wants it; for processes that poll."""
    sys.setswitchinterval(_SWITCH_S)


def set_loaded_aside() -> None:
    """Have the collector of cycles pass over all that is there by now; once a part is loaded, before it begins to work.

    Programs and tables stay for as long as the process runs, and each full collection walked through them while everything
    stood still: 190 ms, and a tenth of a poll's processor time, in the polling bench.
    """
    gc.freeze()
