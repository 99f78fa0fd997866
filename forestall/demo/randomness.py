"""One random stream for each day and purpose, so that a day is the same however the days are cut into calls."""

import zlib

import numpy as np

CREATION = -1000  # long before the first day: what is drawn once


def stream(seed: int, world: str, day: int, purpose: str) -> np.random.Generator:
    """The generator of one purpose on one day; the same arguments give the same draws for ever."""
    return np.random.default_rng([seed, zlib.crc32(world.encode()), day - CREATION, zlib.crc32(purpose.encode())])
