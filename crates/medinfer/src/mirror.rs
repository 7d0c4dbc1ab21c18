//! Mirror images of windows: the one augmentation that inference can undo exactly.

use crate::blend::for_each_row;

/// All subsets of some axes, the empty one first, in nnU-Net's order (`itertools.combinations` of growing length
/// gives the same set; the order only rounds differently).
pub(crate) fn subsets(axes: &[usize]) -> Vec<Vec<usize>> {
    (0..1usize << axes.len())
        .map(|mask| {
            (0..axes.len())
                .filter(|bit| mask >> bit & 1 == 1)
                .map(|bit| axes[bit])
                .collect()
        })
        .collect()
}

/// Mirrors every channel of `values`, `[channels, ...shape]`, along `axes`; `put(out, in)` writes an element.
pub(crate) fn mirrored<const D: usize>(
    values: &[f32],
    shape: [usize; D],
    axes: &[usize],
    out: &mut [f32],
    put: impl Fn(&mut f32, f32),
) {
    let voxels: usize = shape.iter().product();
    let width = shape[D - 1];
    for (from, to) in values
        .chunks_exact(voxels)
        .zip(out.chunks_exact_mut(voxels))
    {
        let mut rows = to.chunks_exact_mut(width);
        for_each_row(shape, |row| {
            let start = (0..D - 1).fold(0, |at, axis| {
                let index = if axes.contains(&axis) {
                    shape[axis] - 1 - row[axis]
                } else {
                    row[axis]
                };
                at * shape[axis] + index
            }) * width;
            let source = &from[start..start + width];
            let target = rows
                .next()
                .expect("as many rows as the shape has")
                .iter_mut();
            if axes.contains(&(D - 1)) {
                target
                    .zip(source.iter().rev())
                    .for_each(|(t, &s)| put(t, s));
            } else {
                target.zip(source).for_each(|(t, &s)| put(t, s));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirroring_twice_gives_the_window_back() {
        let shape = [2, 3, 5];
        let values: Vec<f32> = (0..60).map(|v| v as f32).collect();
        for axes in subsets(&[0, 1, 2]) {
            let (mut once, mut twice) = (vec![0.0; 60], vec![0.0; 60]);
            mirrored(&values, shape, &axes, &mut once, |t, s| *t = s);
            assert_eq!(once == values, axes.is_empty(), "{axes:?}");
            mirrored(&once, shape, &axes, &mut twice, |t, s| *t = s);
            assert_eq!(twice, values, "{axes:?}");
        }
    }

    #[test]
    fn each_axis_is_the_one_named() {
        let mut out = [0.0; 6];
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        mirrored(&values, [2, 3], &[0], &mut out, |t, s| *t = s);
        assert_eq!(out, [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]);
        mirrored(&values, [2, 3], &[1], &mut out, |t, s| *t = s);
        assert_eq!(out, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }
}
