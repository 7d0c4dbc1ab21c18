//! Every number type, byte order, version, compression and scaling, against nibabel.

#[test]
fn every_type_order_version_and_scaling_has_nibabels_voxels_to_the_bit() {
    let cases = super::fixture("datatypes");
    assert_eq!(cases.len(), 34);
    cases.iter().for_each(super::check);
}
