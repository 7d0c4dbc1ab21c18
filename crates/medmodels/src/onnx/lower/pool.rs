//! Pooling, over windows and over a given number of bins.

use mednn::cpu::taps::AxisMap;
use mednn::graph::PoolAttributes;
use mednn::ops::Interpolation;

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value};
use super::super::proto::Element;
use super::conv::ends;

/// Windows that follow one another without a gap and fill the axes, if bins of equal size do.
fn even(x: &Value, size: &[usize]) -> Lowered<Option<Vec<usize>>> {
    let lengths = x.lengths_from(2)?;
    let even = lengths
        .iter()
        .zip(size)
        .all(|(n, bins)| n.is_multiple_of(*bins));
    Ok(even.then(|| lengths.iter().zip(size).map(|(n, bins)| n / bins).collect()))
}

fn with_size(x: &Value, size: &[usize]) -> Vec<Dim> {
    let size = size.iter().copied().map(Dim::Fixed);
    x.dims[..2].iter().copied().chain(size).collect()
}

fn windows(op: &'static str, x: &Value, kernel: &[usize], stride: &[usize]) -> Operator {
    Operator::new(op)
        .input(x)
        .ints("kernel_shape", kernel.iter().copied())
        .ints("strides", stride.iter().copied())
}

/// Padding on both sides such that whole windows alone give the result, whatever is said of partial ones: runtimes do not
/// agree on which of these count.
fn padding(x: &Value, pool: &PoolAttributes, result: &[Dim]) -> Lowered<Vec<(usize, usize)>> {
    (0..pool.kernel.len())
        .map(|axis| {
            let front = pool.padding[axis];
            if !pool.ceil_mode {
                return Ok((front, front));
            }
            let windows = result[axis + 2].fixed().unwrap_or(1);
            let reach = (windows - 1) * pool.stride[axis] + pool.kernel[axis];
            Ok((front, reach.saturating_sub(x.length(axis + 2)? + front)))
        })
        .collect()
}

impl Builder {
    pub(super) fn max_pool(
        &mut self,
        x: &Value,
        pool: &PoolAttributes,
        result: &[Dim],
    ) -> Lowered<Value> {
        let pads = ends(&padding(x, pool, result)?);
        let operator = windows("MaxPool", x, &pool.kernel, &pool.stride).ints("pads", pads);
        Ok(self.push(operator, result))
    }

    pub(super) fn max_pool_with_indices(
        &mut self,
        x: &Value,
        pool: &PoolAttributes,
        result: &[Dim],
    ) -> Lowered<Vec<Value>> {
        let pads = ends(&padding(x, pool, result)?);
        let operator = windows("MaxPool", x, &pool.kernel, &pool.stride).ints("pads", pads);
        self.with_indices(x, operator, result)
    }

    /// `MaxPool` and where the largest were: ONNX counts through the whole tensor, we through a plane.
    fn with_indices(
        &mut self,
        x: &Value,
        operator: Operator,
        result: &[Dim],
    ) -> Lowered<Vec<Value>> {
        let results = [(result, Element::F32), (result, Element::I64)];
        let mut values = self.push_all(operator, &results);
        let plane: usize = x.lengths_from(2)?.iter().product();
        let plane = self.integers("plane", &[], &[plane as i64]);
        let inside = Operator::new("Mod").input(&values[1]).input(&plane);
        values[1] = self.push_as(inside, result, Element::I64);
        Ok(values)
    }

    pub(super) fn avg_pool(
        &mut self,
        x: &Value,
        pool: &PoolAttributes,
        result: &[Dim],
    ) -> Lowered<Value> {
        let pads = padding(x, pool, result)?;
        if pool.count_include_pad && pads.iter().any(|(front, back)| back > front) {
            // A last window counts the padding that was asked for, not what it reaches over the end of it.
            let maps: Lowered<Vec<AxisMap>> = (0..pads.len())
                .map(|axis| {
                    let (input, front) = (x.length(axis + 2)?, pool.padding[axis]);
                    let windows = result[axis + 2].fixed().unwrap_or(1);
                    Ok(AxisMap::from_fn(input, windows, |i| {
                        let start = i * pool.stride[axis];
                        let end = (start + pool.kernel[axis]).min(input + 2 * front);
                        let share = 1.0 / (end - start) as f64;
                        let inside = start.max(front)..end.min(input + front);
                        inside.map(move |place| (place - front, share))
                    }))
                })
                .collect();
            return self.map_axes(x, &maps?);
        }
        let operator = windows("AveragePool", x, &pool.kernel, &pool.stride)
            .ints("pads", ends(&pads))
            .int("count_include_pad", usize::from(pool.count_include_pad));
        Ok(self.push(operator, result))
    }

    pub(super) fn adaptive_avg_pool(&mut self, x: &Value, size: &[usize]) -> Lowered<Value> {
        let result = with_size(x, size);
        if size.iter().all(|bins| *bins == 1) {
            let operator = Operator::new("GlobalAveragePool").input(x);
            return Ok(self.push(operator, &result));
        }
        if let Some(kernel) = even(x, size)? {
            return Ok(self.push(windows("AveragePool", x, &kernel, &kernel), &result));
        }
        let maps: Vec<AxisMap> = bins(x, size)?;
        self.map_axes(x, &maps)
    }

    pub(super) fn adaptive_max_pool(&mut self, x: &Value, size: &[usize]) -> Lowered<Value> {
        let result = with_size(x, size);
        if size.iter().all(|bins| *bins == 1) {
            let operator = Operator::new("GlobalMaxPool").input(x);
            return Ok(self.push(operator, &result));
        }
        if let Some(kernel) = even(x, size)? {
            return Ok(self.push(windows("MaxPool", x, &kernel, &kernel), &result));
        }
        let (members, _) = self.members(x, size)?;
        let largest = self.reduce("ReduceMax", &members, &[3]);
        self.reshape(&largest, &result)
    }

    pub(super) fn adaptive_max_pool_with_indices(
        &mut self,
        x: &Value,
        size: &[usize],
    ) -> Lowered<Vec<Value>> {
        let result = with_size(x, size);
        if let Some(kernel) = even(x, size)? {
            let operator = windows("MaxPool", x, &kernel, &kernel);
            return self.with_indices(x, operator, &result);
        }
        let (members, table) = self.members(x, size)?;
        let largest = self.reduce("ReduceMax", &members, &[3]);
        let [values, indices] =
            [largest, self.places(&members, &table)].map(|found| self.reshape(&found, &result));
        Ok(vec![values?, indices?])
    }

    /// The elements of each bin, `[batch, channels, bins, members]`, and which they are; smaller bins repeat their first.
    fn members(&mut self, x: &Value, size: &[usize]) -> Lowered<(Value, Vec<usize>)> {
        let lengths = x.lengths_from(2)?;
        let mut all: Vec<Vec<usize>> = vec![vec![0]];
        for (map, length) in bins(x, size)?.iter().zip(&lengths) {
            let refine = |corners: &Vec<usize>| -> Vec<Vec<usize>> {
                let within = |bin: &[mednn::cpu::taps::Tap]| {
                    let places = |corner: &usize| -> Vec<usize> {
                        bin.iter().map(|tap| corner * length + tap.index).collect()
                    };
                    corners.iter().flat_map(places).collect()
                };
                map.iter().map(within).collect()
            };
            all = all.iter().flat_map(refine).collect();
        }
        let longest = all.iter().map(Vec::len).max().unwrap_or(0);
        let mut table = Vec::with_capacity(all.len() * longest);
        for bin in &all {
            let repeated = std::iter::repeat_n(bin[0], longest - bin.len());
            table.extend(bin.iter().copied().chain(repeated));
        }
        let plane = Dim::Fixed(lengths.iter().product());
        let plane = self.reshape(x, &[x.dims[0], x.dims[1], plane])?;
        let members = self.pick(&plane, 2, &table);
        let split = [Dim::Fixed(all.len()), Dim::Fixed(longest)];
        let members = self.reshape(&members, &[&x.dims[..2], &split].concat())?;
        Ok((members, table))
    }

    /// Where the largest member of each bin is, by the table of members.
    fn places(&mut self, members: &Value, table: &[usize]) -> Value {
        let first = Operator::new("ArgMax").input(members).axis_from_end(1);
        let first = first.int("keepdims", 0);
        let dims = &members.dims[..3];
        let first = self.push_as(first, dims, Element::I64);
        let bins = members.dims[2].fixed().unwrap_or(1);
        let starts = self.list("starts", (0..bins).map(|bin| bin * (table.len() / bins)));
        let place = Operator::new("Add").input(&first).input(&starts);
        let place = self.push_as(place, dims, Element::I64);
        let table = self.list("table", table.iter().copied());
        let found = Operator::new("Gather").input(&table).input(&place);
        self.push_as(found.int("axis", 0), dims, Element::I64)
    }

    /// Every value at its place in a plane of zeros; of several at one place, which all came from there, any.
    pub(super) fn max_unpool(
        &mut self,
        x: &Value,
        indices: &Value,
        size: &[usize],
    ) -> Lowered<Value> {
        let values = Dim::Fixed(x.lengths_from(2)?.iter().product());
        let flat = [x.dims[0], x.dims[1], values];
        let plane: usize = size.iter().product();
        let rows = Operator::new("Shape")
            .input(x)
            .int("start", 0)
            .int("end", 2);
        let rows = self.push_as(rows, &[Dim::Fixed(2)], Element::I64);
        let plane_size = self.list("plane", [plane]);
        let shape = Operator::new("Concat")
            .input(&rows)
            .input(&plane_size)
            .int("axis", 0);
        let shape = self.push_as(shape, &[Dim::Fixed(3)], Element::I64);
        let zero = self.float("zero", 0.0);
        let zeros = Operator::new("Expand").input(&zero).input(&shape);
        let dims = [x.dims[0], x.dims[1], Dim::Fixed(plane)];
        let zeros = self.push(zeros, &dims);
        let indices = self.cast(indices, Element::I64);
        let (values, indices) = (self.reshape(x, &flat)?, self.reshape(&indices, &flat)?);
        let scatter = Operator::new("ScatterElements").input(&zeros);
        let scatter = scatter.input(&indices).input(&values).int("axis", 2);
        let planes = self.push(scatter, &dims);
        self.reshape(&planes, &with_size(x, size))
    }
}

/// The maps to means over bins, whose taps are the bins.
pub(super) fn bins(x: &Value, size: &[usize]) -> Lowered<Vec<AxisMap>> {
    let lengths = x.lengths_from(2)?;
    let pairs = lengths.iter().zip(size);
    Ok(pairs
        .map(|(&length, &bins)| Interpolation::Area.axis_map(length, bins, 1.0))
        .collect())
}
