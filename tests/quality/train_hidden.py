"""Fits the hidden units of the learned layer: small networks of one layer of units each, whose sums are averaged.

One network sees what the rules found beside the words; the other also has a topic's own score speak for it directly, as
the linear fit has. They err differently: the first does better where no rule was tuned, the second where rules were.
"""

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from scipy.special import expit

__all__ = ["NETWORKS", "Given", "Network", "Shape", "fitted_network"]

Numbers: TypeAlias = Any
"""An array of numpy."""


class Shape(NamedTuple):
    """One kind of network."""

    direct: bool
    """Whether the rules' scores also speak directly."""
    words_dropped: float
    """The share of the input that is left out of each step, at random."""
    seed: int


NETWORKS: Final = (Shape(direct=False, words_dropped=0.1, seed=0), Shape(direct=True, words_dropped=0.3, seed=1))
_UNITS: Final = 128
"""Of each network. Half as many cost 0.005 to 0.009 F1 on articles that no rule was tuned on."""
_UNITS_DROPPED: Final = 0.5
_ROUNDS: Final = 20
_BATCH: Final = 128
_RATE: Final = 2e-3
_DECAY: Final = 5e-3
_RULES_COUNT: Final = 3.0
"""What the scores of the rules are multiplied with, so that they weigh as much as the words in the beginning."""
_FADING: Final = (0.9, 0.99)
"""How fast Adam forgets gradients and their squares."""


class Given(NamedTuple):
    """The articles to learn from, a row each."""

    scores: Numbers
    """Squashed, by the rules."""
    places: Numbers
    """In the space of words."""
    topics: Numbers
    weights: Numbers


class Network(NamedTuple):
    """A fitted network."""

    start: Numbers
    rules: Numbers
    """What scores add to the units."""
    places: Numbers
    """What the place in the space of words adds to the units."""
    topics_start: Numbers
    topics: Numbers
    """What the units add to the topics."""
    direct: Numbers
    """What scores add to the topics; nought where they do not speak directly."""


def fitted_network(given: Given, own_rules: Numbers, shape: Shape) -> Network:
    """Fit one network by Adam with decaying weights.

    Args:
        given: the articles.
        own_rules: the direct weights of the scores before anything is learned, and what they decay to.
        shape: its kind.
    """
    random = np.random.default_rng(shape.seed)
    inputs = np.hstack([_RULES_COUNT * given.scores, given.places]).astype(np.float32)
    scores, topics = given.scores.astype(np.float32), given.topics.astype(np.float32)
    size, known = topics.shape[1], inputs.shape[1]
    parts = [
        random.normal(0, np.sqrt(2 / known), (known, _UNITS)),
        np.zeros(_UNITS),
        random.normal(0, 0.01, (_UNITS, size)),
        np.full(size, -3.0),
        own_rules if shape.direct else np.zeros_like(own_rules),
    ]
    weights = [part.astype(np.float32) for part in parts]
    aims = [np.float32(0), None, np.float32(0), None, weights[4].copy()]
    averages = [(np.zeros_like(part), np.zeros_like(part)) for part in weights]
    steps = _ROUNDS * (len(inputs) // _BATCH)
    order = _order(random, len(inputs), steps)
    for step in range(steps):
        rows = order[step * _BATCH : (step + 1) * _BATCH]
        slopes = _slopes(weights, inputs[rows], scores[rows], topics[rows], given.weights[rows], shape, random)
        for at, slope in enumerate(slopes if shape.direct else slopes[:4]):
            change = _adam(averages, at, slope, step + 1)
            if (aim := aims[at]) is not None:
                change = change + np.float32(_DECAY) * (weights[at] - aim)
            weights[at] = weights[at] - np.float32(_RATE * (1 - step / steps)) * change
    inward, start, outward, topics_start, direct = weights
    return Network(start, _RULES_COUNT * inward[:size], inward[size:], topics_start, outward, direct)


def _order(random: np.random.Generator, articles: int, steps: int) -> Numbers:
    """Return the rows of all steps, one after the other: each round has all articles in another order."""
    rounds = -(-steps * _BATCH // articles)
    return np.concatenate([random.permutation(articles) for _ in range(rounds)])


def _slopes(
    weights: list[Numbers],
    inputs: Numbers,
    scores: Numbers,
    topics: Numbers,
    counts: Numbers,
    shape: Shape,
    random: np.random.Generator,
) -> list[Numbers]:
    """Return the slope of the loss of some articles by each part of the weights, with inputs and units dropped at random."""
    seen = inputs * (random.random(inputs.shape, dtype=np.float32) > shape.words_dropped)
    seen /= np.float32(1 - shape.words_dropped)
    sums = seen @ weights[0] + weights[1]
    kept = (random.random(sums.shape, dtype=np.float32) > _UNITS_DROPPED) * (sums > 0) / np.float32(1 - _UNITS_DROPPED)
    units = sums * kept
    found = units @ weights[2] + weights[3] + scores @ weights[4]
    wrong = (expit(found) - topics) * (counts / counts.sum()).astype(np.float32)[:, None]
    back = (wrong @ weights[2].T) * kept
    return [seen.T @ back, back.sum(0), units.T @ wrong, wrong.sum(0), scores.T @ wrong]


def _adam(averages: list[tuple[Numbers, Numbers]], at: int, slope: Numbers, step: int) -> Numbers:
    first, second = averages[at]
    first = _FADING[0] * first + (1 - _FADING[0]) * slope
    second = _FADING[1] * second + (1 - _FADING[1]) * slope * slope
    averages[at] = first.astype(np.float32), second.astype(np.float32)
    steady = first / (1 - _FADING[0] ** step)
    return (steady / (np.sqrt(second / (1 - _FADING[1] ** step)) + 1e-8)).astype(np.float32)
