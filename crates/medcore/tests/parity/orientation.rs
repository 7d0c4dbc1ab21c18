//! `medcore::orientation` against nibabel's `aff2axcodes`.

use medcore::{Geometry, Orientation, Point, Ras, Vector};

use crate::support::Fixture;

#[test]
fn codes_of_oblique_and_sheared_grids_agree_with_nibabel() {
    let fixture = Fixture::load("orientation");
    let (affines, codes) = (fixture.get("ras"), fixture.get("codes"));
    for (affine, code) in affines
        .values
        .chunks_exact(9)
        .zip(codes.values.chunks_exact(3))
    {
        // nibabel numbers axes from the fastest; its columns are the axes, in RAS.
        let steps = std::array::from_fn(|a| {
            let column = |row: usize| affine[3 * row + 2 - a];
            Vector::<Ras>::new(column(0), column(1), column(2)).to_lps()
        });
        let grid = Geometry::new([2, 3, 4], Point::new(0.0, 0.0, 0.0), steps).unwrap();
        let code: String = code.iter().map(|&c| c as u8 as char).collect();
        assert_eq!(
            Orientation::closest_to(&grid).to_string(),
            code,
            "{affine:?}"
        );
    }
}
