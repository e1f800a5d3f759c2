"""The curves of test_curves.c, by scikit-learn (1.9.1 made those in the test).

    python3 tests/curves_golden.py
"""
import numpy
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

i = numpy.arange(40)
probabilities = (i * 37 % 21) / 20.0  # with ties, 0 and 1
labels = (i * 37 % 21 + 2 * (i * i % 13) > 22).astype(int)  # depend on them, with errors


def show(name, x, y):
    print(f"static const double {name}[][2] = {{")
    print("    " + ", ".join(f"{{{a:.9g}, {b:.9g}}}" for a, b in zip(x, y)) + "};")


x, y, _ = roc_curve(labels, probabilities, drop_intermediate=False)
show("roc", x, y)
precision, recall, _ = precision_recall_curve(labels, probabilities)
# from the highest threshold down, without the point (0, 1), which scikit-learn adds
show("precision_recall", recall[-2::-1], precision[-2::-1])
share, mean = calibration_curve(labels, probabilities, n_bins=15)
show("reliability", mean, share)
