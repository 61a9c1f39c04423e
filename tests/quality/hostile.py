"""``make hostile``: what pages and texts that nobody should send cost each filter: processor seconds, peak memory, the answer.

Each case is one line through one ``marsad pipe`` process of its own, so that the memory is that of the case.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Final, NamedTuple

# The memory is the process's own mark: what the kernel says of a child includes what its parent held at the fork.
_RUN: Final = """
import sys
from marsad_app.cli import main
status = main()
sys.stderr.write(open("/proc/self/status").read())
sys.exit(status)
"""
MARSAD: Final = [sys.executable, "-c", _RUN]
FILTERS: Final = {"extract": "html", "clean": "text", "analyze": "text", "dates": "text"}
SECONDS: Final = 30
MEGABYTES: Final = 1_500
_MIB: Final = 1 << 20
_SENTENCE: Final = "وقع وزيرا الدفاع في العاصمة يوم 31 يوليو/تموز الماضي اتفاقا للتعاون العسكري. "

CASES: Final[dict[str, Callable[[], str]]] = {
    "an ordinary page": lambda: f"<html><body><h1>خبر</h1>{f'<p>{_SENTENCE * 3}</p>' * 10}</body></html>",
    "a page of 50 MB": lambda: f"<html><body>{f'<p>{_SENTENCE * 3}</p>' * 120_000}</body></html>",
    "a text of 50 MB": lambda: _SENTENCE * 350_000,
    "100,000 nested div": lambda: f"{'<div>' * 100_000}{_SENTENCE * 5}{'</div>' * 100_000}",
    "100,000 nested b": lambda: f"<p>{'<b>' * 100_000}{_SENTENCE * 5}{'</b>' * 100_000}</p>",
    "100,000 tables in tables": lambda: f"{'<table><tr><td>' * 100_000}{_SENTENCE * 5}",
    "only marks": lambda: "\u064b\u0651" * _MIB,
    "a letter with a million marks": lambda: "ب" + "\u0650\u0651" * _MIB,
    "only tatweel": lambda: "ـ" * _MIB,
    "lone surrogates": lambda: "خبر \ud83d \udc00 عاجل " * 100_000,
    "the ligature U+FDFA": lambda: "\ufdfa" * 300_000,
    "the ligature U+FDFA between spaces": lambda: "\ufdfa " * 300_000,
    "zero bytes": lambda: "\0" * _MIB,
    "words between zero bytes": lambda: "خبر\0" * 300_000,
    "one word of 4 million letters": lambda: "م" * (4 * _MIB),
    "only line ends": lambda: "\n" * _MIB,
    "only blanks": lambda: " \u00a0" * _MIB,
    "only full stops and blanks": lambda: f"{'. ' * _MIB}x",
    "entities of entities": lambda: f"{'&amp;' * 300_000}lt;",
    "open angle brackets": lambda: "<" * _MIB,
    "comments that never end": lambda: "<!-- " * 300_000,
    "one tag with 100,000 attributes": lambda: f"<p {''.join(f'a{n}=1 ' for n in range(100_000))}>{_SENTENCE}</p>",
    "one attribute of 4 million letters": lambda: f"<p title='{'م' * (4 * _MIB)}'>{_SENTENCE}</p>",
    "embeddings that are never closed": lambda: "\u202b\u2067" * _MIB,
    "only digits": lambda: "1" * _MIB,
    "dates without end": lambda: "1/1/" * 300_000,
    "ranges without end": lambda: "3 و" * 300_000 + "4 مايو",
    "numbers in words without end": lambda: "ثلاثة وعشرون " * 200_000,
    "since, since, since": lambda: "منذ " * 300_000,
    "times without end": lambda: "10:30:" * 200_000,
    "weekdays without end": lambda: "الخميس يوم " * 200_000,
    "broken UTF-8 read as 1256": lambda: _SENTENCE.encode().decode("cp1256", "replace") * 10_000,
    "UTF-8 read as 1252": lambda: _SENTENCE.encode().decode("latin-1") * 10_000,
}


class Cost(NamedTuple):
    """What one line through one filter cost, and its answer in a few words."""

    seconds: float
    megabytes: float
    answer: str
    ok: bool


def measure(name: str, text: str) -> Cost:
    """Send a text through a filter in a process of its own."""
    record = {"id": 1, "url": "https://example.org/1", "title": "خبر", "now": "2024-05-12", FILTERS[name]: text}
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink, tempfile.TemporaryFile() as marks:
        source.write(json.dumps(record, ensure_ascii=not text.isprintable()).encode("utf-8", "surrogatepass") + b"\n")
        source.seek(0)
        before = os.times()
        process = subprocess.Popen([*MARSAD, "pipe", name], stdin=source, stdout=sink, stderr=marks)
        status = process.wait()
        after = os.times()
        seconds = after.children_user + after.children_system - before.children_user - before.children_system
        marks.seek(0)
        peak = re.search(rb"VmHWM:\s+(\d+) kB", marks.read())
        sink.seek(0)
        answers = sink.read().decode().splitlines()
    memory = int(peak[1]) / 1024 if peak else 0.0
    return Cost(seconds, memory, _told(answers), status == 0 and len(answers) == 1)


def _told(answers: list[str]) -> str:
    if len(answers) != 1:
        return f"{len(answers)} lines"
    answer = json.loads(answers[0])
    if "error" in answer:
        return f"error: {answer['error'][:90]}"
    sizes = [f"{key} {len(answer[key])}" for key in ("text", "tokens", "dates") if key in answer]
    return ", ".join([*sizes, *answer.get("problems", [])])[:120]


def main(arguments: list[str]) -> int:
    """1 where a case fails or costs more than the limits; words of a case's name choose cases."""
    short = 0
    for case, make in CASES.items():
        if arguments and not any(word in case for word in arguments):
            continue
        text = make()
        for name in FILTERS:
            cost = measure(name, text)
            fine = cost.ok and cost.seconds <= SECONDS and cost.megabytes <= MEGABYTES
            short += not fine
            mark = "ok" if fine else "NO"
            print(
                f"{mark} {case:36} {name:8} {cost.seconds:6.1f} s {cost.megabytes:6.0f} MB  {cost.answer}", flush=True
            )
    print(f"{short} of the cases past {SECONDS} s or {MEGABYTES} MB")
    return int(short > 0)


if __name__ == "__main__":
    # What never ends is ended: a filter that takes ten minutes of processor time is killed and counted.
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    sys.exit(main(sys.argv[1:]))
