//! sform, qform, both or neither, against nibabel.

#[test]
fn every_combination_of_maps_places_voxels_where_nibabel_does() {
    let cases = super::fixture("xforms");
    assert_eq!(cases.len(), 22);
    cases.iter().for_each(super::check);
}
