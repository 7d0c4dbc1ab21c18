//! What a scan's header says: its components, and the parameters of its coder.

use super::Frame;

/// Coding parameters (T.87 sections A.1 and C.2.4.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Preset {
    pub(super) largest: i32,
    pub(super) thresholds: [i32; 3],
    pub(super) reset: i32,
}

impl Preset {
    /// The defaults of section C.2.4.1.1.1.
    fn of(largest: i32, near: i32) -> Self {
        let keep = |value: i32, low: i32| {
            if value > largest || value < low {
                low
            } else {
                value
            }
        };
        let [a, b, c] = if largest >= 128 {
            let factor = (largest.min(4095) + 128) / 256;
            [factor + 2, 4 * factor + 3, 17 * factor + 4]
        } else {
            let factor = 256 / (largest + 1);
            [
                (3 / factor).max(2),
                (7 / factor).max(3),
                (21 / factor).max(4),
            ]
        };
        let first = keep(a + 3 * near, near + 1);
        let second = keep(b + 5 * near, first);
        let third = keep(c + 7 * near, second);
        Self {
            largest,
            thresholds: [first, second, third],
            reset: 64,
        }
    }
}

/// A scan's header (T.87 section C.2.3).
pub(super) struct Scan {
    pub(super) components: Vec<usize>,
    pub(super) near: i32,
    /// 0 one component, 1 line by line, 2 sample by sample.
    pub(super) interleave: u8,
    pub(super) shift: u32,
    pub(super) preset: Preset,
}

pub(super) fn header(body: &[u8], frame: &Frame, preset: Option<&[u16; 5]>) -> Option<Scan> {
    let (&count, rest) = body.split_first()?;
    let (list, tail) = rest.split_at_checked(2 * usize::from(count))?;
    let &[near, interleave, shift] = tail.first_chunk::<3>()?;
    let mut components: Vec<usize> = Vec::new();
    for [id, table] in list.as_chunks::<2>().0 {
        let index = frame.ids.iter().position(|other| other == id)?;
        if *table != 0 || components.contains(&index) {
            return None;
        }
        components.push(index);
    }
    let full = (1_i32 << frame.precision) - 1;
    let given = |value: u16, default: i32| {
        if value == 0 {
            default
        } else {
            i32::from(value)
        }
    };
    let [largest, t1, t2, t3, reset] = *preset.unwrap_or(&[0; 5]);
    let largest = given(largest, full);
    let near = i32::from(near);
    let mut chosen = Preset::of(largest, near);
    let [d1, d2, d3] = chosen.thresholds;
    chosen.thresholds = [given(t1, d1), given(t2, d2), given(t3, d3)];
    chosen.reset = given(reset, 64);
    let [t1, t2, t3] = chosen.thresholds;
    let shift = u32::from(shift & 15);
    let valid = largest <= full
        && near <= largest / 2
        && (near + 1..=t2).contains(&t1)
        && (t2..=largest.max(t2)).contains(&t3)
        && chosen.reset >= 3
        && shift < frame.precision
        && match (components.len(), interleave) {
            (1, 0) => true,
            (n, 1 | 2) => n == frame.ids.len(),
            _ => false,
        };
    valid.then_some(Scan {
        components,
        near,
        interleave,
        shift,
        preset: chosen,
    })
}
