"""The probabilities of test_crossed.c, by SciPy (1.17.1 made those in the test).

    python3 tests/crossed_golden.py
"""
import math

from scipy import integrate, special, stats

for x, a, b in ((0.1, 0.5, 0.5), (0.5, 2.0, 3.0), (0.9, 7.5, 1.0), (0.99, 40.0, 0.5), (1e-6, 0.5, 12.0)):
    print(f"    {{{x!r}, {a!r}, {b!r}, {special.betainc(a, b, x):.15g}}},")
for t, degrees in ((0.0, 3.0), (1.0, 1.0), (12.7, 1.0), (-2.5, 2.0), (2.0, 2.7), (4.0, 9.0), (1.96, 1e6), (6.0, 1e7), (1e5, 1.0)):
    print(f"    {{{t!r}, {degrees!r}, {stats.t.sf(t, degrees):.15g}}},")


def behrens_fisher(distance, scale, degrees):
    """P(|s0 T0 + s1 T1| > distance): over the quantiles of T0, because these are in a bounded interval."""
    def tails(angle):
        t = scale[0] * math.tan(angle) * math.sqrt(degrees[0])
        return ((stats.t.sf((distance - t) / scale[1], degrees[1]) + stats.t.sf((distance + t) / scale[1], degrees[1]))
                * math.cos(angle) ** (degrees[0] - 1))

    places = [math.atan(distance / scale[0] / math.sqrt(degrees[0]))]
    value = integrate.quad(tails, 0.0, math.pi / 2, points=places, limit=2000, epsabs=1e-13, epsrel=1e-12)[0]
    return value / integrate.quad(lambda angle: math.cos(angle) ** (degrees[0] - 1), 0.0, math.pi / 2)[0]


for distance, scale, degrees in ((2.0, (1.0, 1.0), (1.0, 49.0)), (0.5, (0.2, 1.0), (1.0, 19.0)), (3.0, (1.0, 0.1), (2.0, 199.0)),
                                 (2.5, (0.3, 1.0), (4.0, 1999.0)), (20.0, (1.0, 1.0), (1.0, 99.0)), (4.0, (1.0, 1.5), (7.0, 9.0))):
    print(f"    {{{distance!r}, {{{scale[0]!r}, {scale[1]!r}}}, {{{degrees[0]!r}, {degrees[1]!r}}}, "
          f"{behrens_fisher(distance, scale, degrees):.12g}}},")
