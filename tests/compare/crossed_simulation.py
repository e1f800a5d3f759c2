#!/usr/bin/env python3
"""crossed_simulation.py [REPETITIONS]: how often does the test of stats/crossed.h find a difference that is none (p < 0.05),
and one of four standard deviations? Prints percentages for numbers of seeds: the mean and the largest of all settings. Beside it,
the test with one t distribution (degrees of freedom as in Hillis 2007). Needs NumPy and SciPy.

Differences of two combinations are d[seed, image] = b[image] + a[seed] + e[seed, image], normally distributed; or those of the
errors of two models, 0 or 1, on images of different difficulty."""
import sys

import numpy
from scipy.special import stdtr

random = numpy.random.default_rng(1)
repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
nodes, weights = numpy.polynomial.hermite_e.hermegauss(60)
weights = weights / weights.sum()


def measure(cells, shared):
    """cells: [repetition, seed, image]. Values of the seeds, variance by images with the seeds as given, and C."""
    seeds, images = cells.shape[1:]
    values = cells.mean(2)
    parts = (cells - values[:, :, None]) / numpy.sqrt(images * (images - 1.0))
    each = (parts ** 2).sum((1, 2))
    together = (parts.sum(1) ** 2).sum(1) if shared else each
    return values, together / seeds ** 2, numpy.maximum(0.0, together - each) / seeds ** 2


def tests(values, of_images, c, images):
    """p of the test, and of one t distribution. The t distribution of the images is taken as normal in the first."""
    seeds = values.shape[1]
    mean, a = numpy.abs(values.mean(1)), numpy.maximum(values.var(1, ddof=1) / seeds, 1e-300)
    t = numpy.sqrt(c)[:, None] * nodes
    both = (weights * (stdtr(seeds - 1, -(mean[:, None] - t) / numpy.sqrt(a)[:, None])
                       + stdtr(seeds - 1, -(mean[:, None] + t) / numpy.sqrt(a)[:, None]))).sum(1)
    given = 2 * stdtr(images - 1, -mean / numpy.sqrt(numpy.maximum(of_images, 1e-300)))
    one_t = 2 * stdtr(numpy.minimum((seeds - 1) * ((a + c) / a) ** 2, 1e9), -mean / numpy.sqrt(a + c))
    return numpy.where(mean == 0.0, 1.0, numpy.maximum(both, given)), numpy.where(mean == 0.0, 1.0, one_t)


def share(p):
    return [100.0 * (x < 0.05).mean() for x in p]


for seeds in (2, 3, 5, 8):
    false, power, discrete = [], [], []
    for shared in (True, False):
        for images in (50, 200, 800):
            for deviation in (0.0, 0.15, 0.5):
                cells = random.normal(0.0, 0.25, (repetitions, seeds, images))
                cells += random.normal(0.0, 1.0, (repetitions, 1 if shared else seeds, images)) * deviation
                values, of_images, c = measure(cells, shared)
                variance = (0.25 ** 2 + deviation ** 2) / images
                for ratio in (0.0, 0.3, 1.0, 3.0, 10.0, 100.0):
                    moved = values + random.normal(0.0, (ratio * variance) ** 0.5, (repetitions, seeds))
                    of_mean = (0.25 ** 2 / seeds + deviation ** 2 / (1 if shared else seeds)) / images + ratio * variance / seeds
                    false.append(share(tests(moved, of_images, c, images)))
                    power.append(share(tests(moved + 4.0 * of_mean ** 0.5, of_images, c, images)))
    for images in (50, 200, 800):
        for deviation in (0.0, 0.02, 0.05):
            difficulty = random.beta(0.3, 1.7, (repetitions, 1, images))
            errors = [random.random((repetitions, seeds, images)) <
                      difficulty + random.normal(0.0, deviation, (repetitions, seeds, 1)) for _ in range(2)]
            values, of_images, c = measure(errors[0].astype(float) - errors[1], True)
            discrete.append(share(tests(values, of_images, c, images)))
    for name, found in (("false", false), ("false, errors", discrete), ("power", power)):
        found = numpy.array(found)
        ends = found.max(0) if name != "power" else found.min(0)
        print(f"{seeds} seeds, {name:14s} mean {found[:, 0].mean():.1f}, {'least' if name == 'power' else 'most'} {ends[0]:.1f}; "
              f"one t: mean {found[:, 1].mean():.1f}, {ends[1]:.1f}", flush=True)
