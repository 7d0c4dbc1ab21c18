//! Sampling at places that are computed, and the regions of boxes.

use mednn::graph::RoiAttributes;
use mednn::ops::{GridInterpolation, GridPadding, GridSampleConfig};

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value, unsayable};
use super::super::proto::Element;

impl Builder {
    pub(super) fn grid_sample(
        &mut self,
        x: &Value,
        grid: &Value,
        config: &GridSampleConfig,
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = x.dims.len() - 2;
        let mode = match config.interpolation {
            GridInterpolation::Nearest => "nearest",
            GridInterpolation::Linear => "linear",
            GridInterpolation::Cubic if axes < 3 => "cubic",
            other => return unsayable(format!("{other:?} in {axes}D; ONNX has it in 2D")),
        };
        let padding = match config.padding {
            GridPadding::Zeros => "zeros",
            GridPadding::Border => "border",
            GridPadding::Reflection => "reflection",
            other => return unsayable(format!("{other:?} has no form in ONNX yet")),
        };
        let with = |x: &Value, grid: &Value| {
            Operator::new("GridSample")
                .input(x)
                .input(grid)
                .text("mode", mode)
                .text("padding_mode", padding)
                .int("align_corners", usize::from(config.align_corners))
        };
        if axes > 1 {
            return Ok(self.push(with(x, grid), result));
        }
        // A signal is the one row of an image, whose centre is at 0.
        let one = Dim::Fixed(1);
        let image = self.reshape(x, &[x.dims[0], x.dims[1], one, x.dims[2]])?;
        let places = self.reshape(grid, &[grid.dims[0], one, grid.dims[1], one])?;
        let pads = self.list("pads", [0, 0, 0, 0, 0, 0, 0, 1]);
        let mut dims = places.dims.clone();
        dims[3] = Dim::Fixed(2);
        let places = self.push(Operator::new("Pad").input(&places).input(&pads), &dims);
        let row = [result[0], result[1], one, result[2]];
        let row = self.push(with(&image, &places), &row);
        self.reshape(&row, result)
    }

    /// The sum of the columns of each map, those of an axis times the coordinates along it.
    pub(super) fn affine_grid(
        &mut self,
        maps: &Value,
        size: &[usize],
        align_corners: bool,
    ) -> Lowered<Value> {
        let axes = size.len();
        let ones = vec![Dim::Fixed(1); axes];
        let column = |builder: &mut Self, place: usize| {
            let column = builder.pick(maps, 2, &[place]);
            let dims = [&[maps.dims[0]], &ones[..], &[maps.dims[1]]].concat();
            builder.reshape(&column, &dims)
        };
        let mut grid = column(self, axes)?;
        for (axis, &length) in size.iter().enumerate() {
            let count = length as f64;
            let coordinate = |i: usize| match (align_corners, length) {
                (true, 1) => 0.0,
                (true, _) => 2.0 * i as f64 / (count - 1.0) - 1.0,
                (false, _) => (2.0 * i as f64 + 1.0) / count - 1.0,
            };
            let values: Vec<f32> = (0..length).map(|i| coordinate(i) as f32).collect();
            let mut shape = vec![1; axes + 2];
            shape[axis + 1] = length;
            let coordinates = self.floats("coordinates", &shape, &values);
            // The last axis comes first.
            let column = column(self, axes - 1 - axis)?;
            let mut dims = column.dims.clone();
            dims[axis + 1] = Dim::Fixed(length);
            let product = Operator::new("Mul").input(&column).input(&coordinates);
            let product = self.push(product, &dims);
            let mut dims = grid.dims.clone();
            dims[axis + 1] = Dim::Fixed(length);
            grid = self.push(Operator::new("Add").input(&grid).input(&product), &dims);
        }
        Ok(grid)
    }

    pub(super) fn roi_align(
        &mut self,
        features: &Value,
        boxes: &Value,
        roi: &RoiAttributes,
        result: &[Dim],
    ) -> Lowered<Value> {
        let [height, width] = roi.bins[..] else {
            return self.roi_align_by_products(features, boxes, roi, result);
        };
        // Ours are depth first, theirs width first.
        let mut boxes = self.pick(boxes, 1, &[1, 0, 3, 2]);
        let [of_height, of_width] = [roi.scale[0] as f32, roi.scale[1] as f32];
        if [of_height, of_width] != [1.0, 1.0] {
            let scale = [of_width, of_height, of_width, of_height];
            let scale = self.floats("scale", &[4], &scale);
            boxes = self.combine("Mul", &boxes, &scale);
        }
        let items = self.list("items", roi.items.iter().copied());
        let operator = Operator::new("RoiAlign")
            .input(features)
            .input(&boxes)
            .input(&items);
        let coordinates = if roi.aligned {
            "half_pixel"
        } else {
            "output_half_pixel"
        };
        let operator = operator
            .text("coordinate_transformation_mode", coordinates)
            .text("mode", "avg")
            .int("output_height", height)
            .int("output_width", width)
            .int("sampling_ratio", roi.samples.unwrap_or(0))
            .float("spatial_scale", 1.0);
        Ok(self.push(operator, result))
    }

    /// Where ONNX has no operator: as in [`mednn::ops::roi_align()`] a region is a product of one linear map an axis.
    fn roi_align_by_products(
        &mut self,
        features: &Value,
        boxes: &Value,
        roi: &RoiAttributes,
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = roi.bins.len();
        let Some(samples) = roi.samples else {
            return unsayable(format!(
                "as many samples as voxels in {axes}D; ONNX has it in 2D"
            ));
        };
        let regions = boxes.dims[0];
        let mut found = self.pick(features, 0, &roi.items);
        for axis in 0..axes {
            let map = self.region_map(boxes, roi, samples, (axis, found.length(axis + 2)?))?;
            let before = Dim::product(&found.dims[1..axis + 2]).unwrap_or(Dim::Fixed(1));
            let inner = Dim::Fixed(found.lengths_from(axis + 3)?.iter().product());
            let columns = [regions, before, found.dims[axis + 2], inner];
            let columns = self.reshape(&found, &columns)?;
            let bins = Dim::Fixed(roi.bins[axis]);
            let product = Operator::new("MatMul").input(&map).input(&columns);
            let product = self.push(product, &[regions, before, bins, inner]);
            let mut dims = found.dims.clone();
            dims[axis + 2] = bins;
            found = self.reshape(&product, &dims)?;
        }
        debug_assert_eq!(found.dims, result);
        Ok(found)
    }

    /// What each voxel of an axis of a length gives to each bin of a region, `[regions, 1, bins, length]`.
    fn region_map(
        &mut self,
        boxes: &Value,
        roi: &RoiAttributes,
        samples: usize,
        (axis, length): (usize, usize),
    ) -> Lowered<Value> {
        let (axes, bins) = (roi.bins.len(), roi.bins[axis]);
        let scale = self.float("scale", roi.scale[axis]);
        let offset = self.float("offset", if roi.aligned { 0.5 } else { 0.0 });
        let [start, end] = [axis, axis + axes].map(|corner| {
            let corner = self.pick(boxes, 1, &[corner]);
            let scaled = self.combine("Mul", &corner, &scale);
            self.combine("Sub", &scaled, &offset)
        });
        let mut extent = self.combine("Sub", &end, &start);
        if !roi.aligned {
            let least = self.float("least", 1.0);
            extent = self.combine("Max", &extent, &least);
        }
        let count = bins * samples;
        let share = |sample: usize| ((sample as f64 + 0.5) / count as f64) as f32;
        let shares: Vec<f32> = (0..count).map(share).collect();
        let shares = self.floats("shares", &[1, count], &shares);
        let dims = [boxes.dims[0], Dim::Fixed(count)];
        let place = Operator::new("Mul").input(&extent).input(&shares);
        let place = self.push(place, &dims);
        let place = self.combine("Add", &place, &start);
        // Samples farther outside than a voxel count, and are zero.
        let last = (length - 1) as f64;
        let middle = self.float("middle", last / 2.0);
        let reach = self.float("reach", last / 2.0 + 1.0);
        let from_middle = self.combine("Sub", &place, &middle);
        let from_middle = self.map("Abs", &from_middle);
        let inside = Operator::new("LessOrEqual")
            .input(&from_middle)
            .input(&reach);
        let inside = self.push_as(inside, &dims, Element::Bool);
        let inside = self.cast(&inside, Element::F32);
        let (low, high) = (self.float("low", 0.0), self.float("high", last));
        let clamped = Operator::new("Clip").input(&place).input(&low).input(&high);
        let clamped = self.push(clamped, &dims);
        let column = [dims[0], dims[1], Dim::Fixed(1)];
        let (clamped, inside) = (
            self.reshape(&clamped, &column)?,
            self.reshape(&inside, &column)?,
        );
        let voxels: Vec<f32> = (0..length).map(|voxel| voxel as f32).collect();
        let voxels = self.floats("voxels", &[1, 1, length], &voxels);
        let dims = [dims[0], dims[1], Dim::Fixed(length)];
        let distance = Operator::new("Sub").input(&clamped).input(&voxels);
        let distance = self.push(distance, &dims);
        let distance = self.map("Abs", &distance);
        let one = self.float("one", 1.0);
        let nearness = Operator::new("Sub").input(&one).input(&distance);
        let nearness = self.push(nearness, &dims);
        let weights = self.map("Relu", &nearness);
        let weights = self.combine("Mul", &weights, &inside);
        let split = [dims[0], Dim::Fixed(bins), Dim::Fixed(samples), dims[2]];
        let weights = self.reshape(&weights, &split)?;
        let mean = self.reduce("ReduceMean", &weights, &[2]);
        self.reshape(&mean, &[dims[0], Dim::Fixed(1), Dim::Fixed(bins), dims[2]])
    }
}
