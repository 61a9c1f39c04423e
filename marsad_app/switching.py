"""An event loop beside busy threads in one interpreter."""

import gc
import sys

__all__ = ["favour_the_loop", "set_loaded_aside"]

# Each time that the loop comes back from the network it waits for the interpreter's lock. Beside 27 threads on two busy cores
# this took halts from 170 ms at Python's own 5 ms to 105 ms, and polls from 350 to 500 a second. Beside the three threads that
# a poller has now, one run of the polling bench each: 822 polls a second against 826 at 5 ms, the median of the longest halts
# 34 against 33 ms, processor time 6 % more. What it is still for are the busy threads of the embedded size.
_SWITCH_S = 0.0005
# The youngest generation is looked through each time that it has grown by so many. Python's own 700 is less than one turn of a loop with
# sixty polls makes: 0.54 instead of 0.58 ms a poll, and halts a sixth shorter.
_YOUNG = 20_000


def favour_the_loop() -> None:
    """Have threads give up the interpreter soon after the loop wants it, and garbage looked for less often; for processes that poll."""
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])


def set_loaded_aside() -> None:
    """Have the collector of cycles pass over all that is there by now; once a part is loaded, before it begins to work.

    Programs and tables stay for as long as the process runs, and each full collection walked through them while everything
    stood still: 190 ms, and a tenth of a poll's processor time, in the polling bench. A search by story size, which makes
    thousands of rows, took 30 ms of the web's processor time and takes 20.
    """
    gc.freeze()
