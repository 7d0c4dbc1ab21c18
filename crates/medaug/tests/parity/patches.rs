//! Patches lie where TorchIO's samplers and MONAI's croppers take them.

use medaug::{PatchGrid, WeightMap};

use crate::support::Fixture;

#[test]
fn grids_are_torchios_and_monais() {
    for name in ["grid_a", "grid_b"] {
        let array = Fixture::load("patches").get(name);
        let rows: Vec<[usize; 3]> = array
            .values
            .chunks_exact(3)
            .map(|row| [row[0] as usize, row[1] as usize, row[2] as usize])
            .collect();
        let grid = PatchGrid {
            patch: rows[1],
            overlap: rows[2].to_vec(),
        };
        let places = grid.placements(rows[0]).unwrap();
        let got: Vec<[usize; 3]> = places.iter().map(|p| p.start.map(|v| v as usize)).collect();
        assert_eq!(got, rows[3..], "{name}");
    }
}

#[test]
fn weighted_centres_are_torchios_and_monais() {
    let fixture = Fixture::load("patches");
    let weights = fixture.get("weights");
    let patch = fixture.get("patch").values;
    let patch = std::array::from_fn(|a| patch[a] as usize);
    let map = WeightMap::new(&weights.floats(), weights.shape::<3>(), patch).unwrap();
    let centres = fixture.get("centres").values;
    let shares = fixture.get("shares").values;
    assert_eq!(shares.len(), 64);
    for (share, centre) in shares.into_iter().zip(centres.chunks_exact(3)) {
        assert_eq!(map.voxel(share).map(|v| v as f64), centre, "{share}");
    }
}
