//! A range of values with ticks and their texts.
//!
//! Ticks lie on 1, 2 or 5 times a power of ten (P. Heckbert, "Nice numbers for graph labels", Graphics
//! Gems, 1990), on a scale of powers of two at each of them.

use super::AxisSetting;
use super::text::number;

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Scale {
    /// Equal steps for equal differences.
    #[default]
    Linear,
    /// Equal steps for doubling, with ticks such as 1/8, 1/4, 1/2, 1, 2.
    Log2,
    /// Equal steps for factors of ten.
    Log10,
}

impl Scale {
    /// Whether a value has a place on the scale.
    pub(super) fn holds(self, value: f64) -> bool {
        // Nearer to the ends of floating point, differences and steps between ticks have no value.
        value.abs() < 1e290 && (self == Self::Linear || value > 1e-290)
    }
}

/// One mark of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) text: String,
}

/// An axis that is ready to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    scale: Scale,
    pub(super) ticks: Vec<Tick>,
    /// Whether ticks are names: without lines across the chart.
    pub(super) named: bool,
}

/// How a linear axis is divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Division {
    /// About this many ticks.
    pub(super) count: usize,
    /// Ticks are at least this far apart.
    pub(super) least: f64,
    /// Whether the range goes on to the outermost ticks.
    pub(super) round: bool,
}

impl Axis {
    /// An axis for data within a range, unless the setting fixes its ends.
    pub(super) fn of(setting: &AxisSetting, data: (f64, f64), division: Division) -> Self {
        if let Some(names) = &setting.names {
            return Self::named(names);
        }
        let fixed = setting
            .range
            .filter(|&(low, high)| setting.scale.holds(low) && setting.scale.holds(high))
            .filter(|&(low, high)| low < high && extent([low, high].into_iter()) == (low, high));
        let range = fixed.unwrap_or(data);
        match setting.scale {
            Scale::Linear => Self::linear(
                range,
                Division {
                    round: division.round && fixed.is_none(),
                    ..division
                },
            ),
            Scale::Log2 => Self::powers_of_two(range, fixed.is_some()),
            Scale::Log10 => Self::logarithmic(range, fixed.is_some()),
        }
    }

    fn named(names: &[String]) -> Self {
        let tick = |(i, name): (usize, &String)| Tick {
            value: i as f64,
            text: name.clone(),
        };
        Self {
            low: -0.5,
            high: names.len().max(1) as f64 - 0.5,
            scale: Scale::Linear,
            ticks: names.iter().enumerate().map(tick).collect(),
            named: true,
        }
    }

    fn linear((mut low, mut high): (f64, f64), division: Division) -> Self {
        let step = nice((high - low) / division.count as f64).max(division.least);
        if division.round {
            low = (low / step).floor() * step;
            high = (high / step).ceil() * step;
        }
        let decimals = (-libm::log10(step).floor()).clamp(0.0, 12.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let tick = |i: i64| {
            let value = i as f64 * step;
            Tick {
                value,
                text: number(value, decimals),
            }
        };
        Self {
            low,
            high,
            scale: Scale::Linear,
            ticks: (first..=last).map(tick).collect(),
            named: false,
        }
    }

    /// Ticks at 1, 2 and 5 times powers of ten, or at powers of ten alone when there are many of them.
    fn logarithmic((low, high): (f64, f64), fixed: bool) -> Self {
        let low = low.max(1e-300);
        let high = high.max(low * 1.01);
        let first = libm::log10(low).floor() as i32;
        let last = libm::log10(high).ceil() as i32;
        let every = ((last - first + 7) / 8).max(1) as usize;
        let multiples: &[f64] = if last - first <= 3 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let ticks = (first..=last)
            .step_by(every)
            .flat_map(|exponent| multiples.iter().map(move |multiple| (exponent, multiple)))
            .map(|(exponent, multiple)| {
                let value = multiple * libm::exp10(f64::from(exponent));
                let text = if (-4..=5).contains(&exponent) {
                    number(value, (-exponent).clamp(0, 4) as usize)
                } else {
                    format!("{multiple:.0}e{exponent}")
                };
                Tick { value, text }
            })
            .collect();
        Self::between_ticks((low, high), Scale::Log10, ticks, fixed)
    }

    fn powers_of_two((low, high): (f64, f64), fixed: bool) -> Self {
        let low = low.max(1e-300);
        let high = high.max(low * 1.01);
        let first = libm::log2(low).floor() as i32;
        let last = libm::log2(high).ceil() as i32;
        let every = ((last - first + 11) / 12).max(1) as usize;
        let ticks = (first..=last)
            .step_by(every)
            .map(|exponent| {
                let text = match exponent {
                    0..=13 => format!("{}", 1 << exponent),
                    -10..=-1 => format!("1/{}", 1 << -exponent),
                    _ => format!("2^{exponent}"),
                };
                Tick {
                    value: libm::exp2(f64::from(exponent)),
                    text,
                }
            })
            .collect();
        Self::between_ticks((low, high), Scale::Log2, ticks, fixed)
    }

    /// A fixed axis ends where it was told to, another one at the ticks next to the data.
    fn between_ticks(
        (low, high): (f64, f64),
        scale: Scale,
        mut ticks: Vec<Tick>,
        fixed: bool,
    ) -> Self {
        if fixed {
            ticks.retain(|t| (low * 0.999_999..=high * 1.000_001).contains(&t.value));
        } else {
            let start = ticks.iter().rposition(|t| t.value <= low * 1.000_001);
            ticks.drain(..start.unwrap_or(0));
            let end = ticks.iter().position(|t| t.value >= high * 0.999_999);
            ticks.truncate(end.map_or(ticks.len(), |end| end + 1));
        }
        let ends = (!fixed).then_some(());
        Self {
            low: (ends.and(ticks.first())).map_or(low, |t| t.value.min(low)),
            high: (ends.and(ticks.last())).map_or(high, |t| t.value.max(high)),
            scale,
            ticks,
            named: false,
        }
    }

    /// Whether a value has a place on the axis' scale.
    pub(super) fn holds(&self, value: f64) -> bool {
        self.scale.holds(value)
    }

    /// The values at both ends.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Where a value lies, 0 at the low end and 1 at the high one.
    pub(super) fn place(&self, value: f64) -> f64 {
        // Far outside values stay finite for the renderer; the clip path hides them.
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log2 | Scale::Log10 => {
                // Quotients of very different numbers would overflow, their logarithms do not.
                let (low, high) = (libm::log10(self.low), libm::log10(self.high));
                (libm::log10(value) - low) / (high - low)
            }
        };
        share.clamp(-10.0, 10.0)
    }
}

/// Smallest and largest value, never equal.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        (0.0, 1.0)
    } else if high - low > 1e-12 * high.abs().max(low.abs()).max(1e-268) {
        (low, high)
    } else if low.abs() < 1e-280 {
        (0.0, 1.0)
    } else {
        (low - 0.5 * low.abs(), low + 0.5 * low.abs())
    }
}

/// The nearest of 1, 2, 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = libm::exp10(libm::log10(step).floor());
    let factor = match step / power {
        share if share < 1.5 => 1.0,
        share if share < 3.5 => 2.0,
        share if share < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|t| t.text.as_str()).collect()
    }

    fn linear(range: (f64, f64), count: usize, round: bool) -> Axis {
        let least = 0.0;
        Axis::linear(
            range,
            Division {
                count,
                least,
                round,
            },
        )
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        assert_eq!(
            texts(&linear((0.0, 1.0), 5, true)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            texts(&linear((-3.0, 17.0), 5, false)),
            ["0", "5", "10", "15"]
        );
        assert_eq!(
            texts(&Axis::logarithmic((0.02, 0.9), false)),
            ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(
            texts(&linear((-0.001, 0.0011), 4, true)),
            ["-0.0010", "-0.0005", "0.0000", "0.0005", "0.0010", "0.0015"]
        );
    }

    #[test]
    fn powers_of_two_are_written_as_fractions() {
        let axis = Axis::powers_of_two((0.125, 8.0), true);
        assert_eq!(texts(&axis), ["1/8", "1/4", "1/2", "1", "2", "4", "8"]);
        assert!((axis.place(1.0) - 0.5).abs() < 1e-12);
        assert_eq!(axis.ends(), (0.125, 8.0));
        // Without fixed ends the axis goes on to the next powers.
        assert_eq!(Axis::powers_of_two((0.3, 1.5), false).ends(), (0.25, 2.0));
    }
}
