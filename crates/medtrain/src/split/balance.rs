//! Patients to parts, so that the parts are alike.
//!
//! Every patient is a row of amounts: one patient, so many cases, so many cases of each class, each as a part of the
//! cohort's. Parts are compared with their shares by `sum over parts and columns of (amount - share)^2 / share`, which is
//! zero for parts that are small pictures of the whole. Patients go, one after the other, to the part where this grows
//! least; then single patients are moved, and of up to a thousand patients pairs exchanged, as long as it falls.
//!
//! The order is drawn by the key. For parts of equal shares the largest patients come first, as in scikit-learn's
//! `StratifiedGroupKFold` (a greedy way without the moves); for unequal ones that would send the largest patients to
//! the largest part, and the held-out ones would no longer be like the others. (One patient with more images than a
//! held-out part should have goes to training all the same.)

use medcore::random::Key;

/// Pairs are exchanged among at most so many patients.
const EXCHANGED: usize = 1000;

/// Rounds of moves, far more than are ever needed.
const ROUNDS: usize = 50;

/// A change must gain this much, so that rounding decides nothing.
const GAIN: f64 = 1e-12;

/// The part of each patient, none of them empty if there are enough patients.
///
/// `rows` are amounts of each patient, all of one length, each column summing to 1; `shares` are positive.
pub(super) fn assign(rows: &[Vec<f64>], shares: &[f64], key: Key) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    key.stream("patients").shuffle(&mut order);
    if shares.windows(2).all(|pair| pair[0] == pair[1]) {
        let largest = |row: &[f64]| row.iter().copied().fold(0.0, f64::max);
        order.sort_by(|&a, &b| largest(&rows[b]).total_cmp(&largest(&rows[a])));
    }
    let columns = rows.first().map_or(0, Vec::len);
    let mut state = State {
        rows,
        shares,
        amounts: vec![vec![0.0; columns]; shares.len()],
        counts: vec![0; shares.len()],
        parts: vec![usize::MAX; rows.len()],
    };
    for &patient in &order {
        let costs = (0..shares.len()).map(|part| state.change(part, &rows[patient], 1.0));
        let best = least(costs);
        state.put(patient, best);
    }
    state.fill_empty(&order);
    for _ in 0..ROUNDS {
        let moved = state.move_single(&order);
        let exchanged = order.len() <= EXCHANGED && state.exchange(&order);
        if !moved && !exchanged {
            break;
        }
    }
    state.parts
}

/// The place of the least number, the first of equal ones.
fn least(costs: impl Iterator<Item = f64>) -> usize {
    let costs = costs.enumerate();
    let best = costs.fold((0, f64::INFINITY), |best, (place, cost)| {
        if cost < best.1 - GAIN {
            (place, cost)
        } else {
            best
        }
    });
    best.0
}

struct State<'a> {
    rows: &'a [Vec<f64>],
    shares: &'a [f64],
    amounts: Vec<Vec<f64>>,
    counts: Vec<usize>,
    parts: Vec<usize>,
}

impl State<'_> {
    /// How much worse a part gets when `sign` times a row is added.
    fn change(&self, part: usize, row: &[f64], sign: f64) -> f64 {
        let share = self.shares[part];
        let columns = self.amounts[part].iter().zip(row);
        let sum: f64 = columns
            .map(|(amount, value)| sign * value * (2.0 * (amount - share) + sign * value))
            .sum();
        sum / share
    }

    fn add(&mut self, patient: usize, part: usize, sign: f64) {
        for (amount, value) in self.amounts[part].iter_mut().zip(&self.rows[patient]) {
            *amount += sign * value;
        }
    }

    fn put(&mut self, patient: usize, part: usize) {
        let before = self.parts[patient];
        if before != usize::MAX {
            self.add(patient, before, -1.0);
            self.counts[before] -= 1;
        }
        self.add(patient, part, 1.0);
        self.counts[part] += 1;
        self.parts[patient] = part;
    }

    /// Gives every empty part the patient that costs least, from parts that have more than one.
    fn fill_empty(&mut self, order: &[usize]) {
        while let Some(empty) = self.counts.iter().position(|&count| count == 0) {
            let costs = order.iter().map(|&patient| {
                let (part, row) = (self.parts[patient], &self.rows[patient]);
                match self.counts[part] {
                    0 | 1 => f64::INFINITY,
                    _ => self.change(part, row, -1.0) + self.change(empty, row, 1.0),
                }
            });
            let costs: Vec<f64> = costs.collect();
            let best = least(costs.iter().copied());
            if costs.get(best).is_none_or(|cost| cost.is_infinite()) {
                return;
            }
            self.put(order[best], empty);
        }
    }

    fn move_single(&mut self, order: &[usize]) -> bool {
        let mut moved = false;
        for &patient in order {
            let (from, row) = (self.parts[patient], &self.rows[patient]);
            if self.counts[from] == 1 {
                continue;
            }
            let out = self.change(from, row, -1.0);
            let costs = (0..self.shares.len()).map(|to| match to == from {
                true => 0.0,
                false => out + self.change(to, row, 1.0),
            });
            let costs: Vec<f64> = costs.collect();
            let to = least(costs.iter().copied());
            if costs[to] < -GAIN {
                self.put(patient, to);
                moved = true;
            }
        }
        moved
    }

    fn exchange(&mut self, order: &[usize]) -> bool {
        let mut exchanged = false;
        for (place, &first) in order.iter().enumerate() {
            for &second in &order[place + 1..] {
                let (a, b) = (self.parts[first], self.parts[second]);
                if a == b || self.rows[first] == self.rows[second] {
                    continue;
                }
                let rows = self.rows[second].iter().zip(&self.rows[first]);
                let difference: Vec<f64> = rows.map(|(b, a)| b - a).collect();
                let cost = self.change(a, &difference, 1.0) + self.change(b, &difference, -1.0);
                if cost < -GAIN {
                    self.put(first, b);
                    self.put(second, a);
                    exchanged = true;
                }
            }
        }
        exchanged
    }
}
