//! Resizing and padding.

use mednn::cpu::taps::AxisMap;
use mednn::graph::ResizeTo;
use mednn::ops::{Interpolation, PadMode};

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value, unsayable};
use super::conv::ends;

/// The factor that makes `output` voxels of `input`, as `Resize` computes it, if it does.
fn factor(input: usize, output: usize) -> Option<f32> {
    let factor = output as f32 / input as f32;
    // Runtimes multiply in one precision or the other.
    let single = (input as f32 * factor).floor() as usize;
    let double = (input as f64 * f64::from(factor)).floor() as usize;
    (single == output && double == output).then_some(factor)
}

/// The index each output takes, if each takes one as it is.
fn picked(map: &AxisMap) -> Option<Vec<usize>> {
    map.iter()
        .map(|taps| match taps {
            [tap] if tap.weight == 1.0 => Some(tap.index),
            _ => None,
        })
        .collect()
}

impl Builder {
    /// With `Resize` where it does the same, else by the numbers of each axis: what is picked, or a matrix.
    pub(super) fn resize(
        &mut self,
        x: &Value,
        to: &ResizeTo,
        interpolation: Interpolation,
        result: &[Dim],
    ) -> Lowered<Value> {
        let inputs = x.lengths_from(2)?;
        let outputs: Vec<usize> = result[2..].iter().filter_map(|dim| dim.fixed()).collect();
        let ratio = |axis: usize| match to {
            ResizeTo::Factor(factors) => 1.0 / factors[axis],
            _ => inputs[axis] as f64 / outputs[axis] as f64,
        };
        let axes = 0..inputs.len();
        let maps: Vec<AxisMap> = axes
            .clone()
            .map(|axis| interpolation.axis_map(inputs[axis], outputs[axis], ratio(axis)))
            .collect();
        let factors: Option<Vec<f32>> = axes
            .clone()
            .map(|axis| factor(inputs[axis], outputs[axis]))
            .collect();
        let same_ratio = axes.clone().all(|axis| {
            let from_sizes = inputs[axis] as f64 / outputs[axis] as f64;
            (ratio(axis) - from_sizes).abs() <= 1e-12 * from_sizes
        });
        let align = |corners| match corners {
            true => "align_corners",
            false => "half_pixel",
        };
        let found = match interpolation {
            Interpolation::Nearest | Interpolation::NearestExact => {
                let repeats = axes.clone().all(|axis| {
                    let times = outputs[axis] / inputs[axis];
                    times * inputs[axis] == outputs[axis]
                        && picked(&maps[axis]).is_some_and(|found| {
                            found.iter().enumerate().all(|(i, &from)| from == i / times)
                        })
                });
                let operator = Operator::new("Resize").text("mode", "nearest");
                let operator = operator
                    .text("coordinate_transformation_mode", "asymmetric")
                    .text("nearest_mode", "floor");
                repeats.then_some(operator)
            }
            Interpolation::Linear { align_corners } => (align_corners || same_ratio).then(|| {
                let operator = Operator::new("Resize").text("mode", "linear");
                operator.text("coordinate_transformation_mode", align(align_corners))
            }),
            Interpolation::Cubic { align_corners } => {
                (inputs.len() == 2 && (align_corners || same_ratio)).then(|| {
                    let operator = Operator::new("Resize").text("mode", "cubic");
                    operator
                        .text("coordinate_transformation_mode", align(align_corners))
                        .float("cubic_coeff_a", -0.75)
                })
            }
            Interpolation::Area => return self.adaptive_avg_pool(x, &outputs),
            _ => None,
        };
        let (Some(operator), Some(factors)) = (found, factors) else {
            return self.map_axes(x, &maps);
        };
        let factors = [&[1.0, 1.0], &factors[..]].concat();
        let factors = self.floats("factors", &[factors.len()], &factors);
        // Between both stands the region of a mode that is not used.
        let operator = operator.input(x).optional(None).input(&factors);
        Ok(self.push(operator, result))
    }

    /// Applies a linear map to each spatial axis.
    pub(super) fn map_axes(&mut self, x: &Value, maps: &[AxisMap]) -> Lowered<Value> {
        let rank = x.dims.len();
        let mut y = x.clone();
        for (axis, map) in (2..).zip(maps) {
            match picked(map) {
                Some(indices) if indices.iter().copied().eq(0..map.input()) => continue,
                Some(indices) => {
                    y = self.pick(&y, axis, &indices);
                    continue;
                }
                None => {}
            }
            let (input, output) = (map.input(), map.output());
            let mut dims = y.dims.clone();
            dims[axis] = Dim::Fixed(output);
            let mut matrix = vec![0.0_f32; input * output];
            let last = axis + 1 == rank;
            for (o, taps) in map.iter().enumerate() {
                for tap in taps {
                    let place = if last {
                        tap.index * output + o
                    } else {
                        o * input + tap.index
                    };
                    matrix[place] += tap.weight as f32;
                }
            }
            if last {
                let matrix = self.floats("weights", &[input, output], &matrix);
                y = self.push(Operator::new("MatMul").input(&y).input(&matrix), &dims);
            } else {
                let matrix = self.floats("weights", &[output, input], &matrix);
                let inner = Dim::Fixed(y.lengths_from(axis + 1)?.iter().product());
                let columns = self.reshape(&y, &[&y.dims[..=axis], &[inner]].concat())?;
                let product = Operator::new("MatMul").input(&matrix).input(&columns);
                let product = self.push(product, &[&dims[..=axis], &[inner]].concat());
                y = self.reshape(&product, &dims)?;
            }
        }
        Ok(y)
    }

    pub(super) fn pad(
        &mut self,
        x: &Value,
        widths: &[(usize, usize)],
        mode: PadMode,
        result: &[Dim],
    ) -> Lowered<Value> {
        if mode == PadMode::Circular {
            // ONNX has a mode for it that few runtimes know.
            let lengths = x.lengths_from(2)?;
            let axes = lengths.into_iter().zip(widths);
            let maps = axes.map(|(length, &(front, back))| mode.axis_map(length, front, back));
            return self.map_axes(x, &maps.collect::<Vec<_>>());
        }
        let all: Vec<_> = [(0, 0), (0, 0)].iter().chain(widths).copied().collect();
        let pads = self.list("pads", ends(&all));
        let operator = Operator::new("Pad").input(x).input(&pads);
        let operator = match mode {
            PadMode::Constant(value) => {
                let value = self.float("value", value);
                operator.input(&value).text("mode", "constant")
            }
            PadMode::Reflect => operator.text("mode", "reflect"),
            PadMode::Replicate => operator.text("mode", "edge"),
            other => return unsayable(format!("{other:?} has no form in ONNX yet")),
        };
        Ok(self.push(operator, result))
    }
}
