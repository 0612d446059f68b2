"""Numbers along a logarithmic axis: plain ones near 1, raised digits far from it, no formulas."""

import matplotlib.pyplot as plt
import pytest

from markovgpt.export.powers_of_ten import PowersOfTen, power_of_ten


def test_powers_have_raised_digits():
    assert [power_of_ten(exponent) for exponent in (0, 7, -308)] == ["10⁰", "10⁷", "10⁻³⁰⁸"]


@pytest.mark.parametrize(("x", "shown"), [(1.0, "1"), (0.01, "0.01"), (1000.0, "1000"), (1e-3, "10⁻³"), (1e7, "10⁷")])
def test_powers_far_from_one_have_raised_digits(x, shown):
    figure, axes = plt.subplots()
    axes.set(yscale="log", ylim=(1e-9, 1e9))
    axes.yaxis.set_major_formatter(PowersOfTen())
    assert axes.yaxis.get_major_formatter()(x) == shown
    plt.close(figure)


def test_between_the_powers_a_number_has_its_digit():
    figure, axes = plt.subplots()
    axes.set(yscale="log", ylim=(1e-5, 9e-5))
    axes.yaxis.set_minor_formatter(PowersOfTen(labelOnlyBase=False, minor_thresholds=(1, 0.4)))
    assert axes.yaxis.get_minor_formatter()(3e-5) == "3·10⁻⁵"
    plt.close(figure)
