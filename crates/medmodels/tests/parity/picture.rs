//! torchvision's preparation of pictures, from `picture.py`.

use medmodels::pretrained::Picture;

use crate::reference::{Fixture, tensor};

#[test]
fn pictures_are_prepared_as_torchvision_does() {
    let fixture = Fixture::load("picture");
    for (number, (shape, resize, crop, bicubic)) in [
        ([3, 47, 61], 32, 28, false),
        ([3, 61, 47], 33, 28, true),
        ([3, 20, 31], 32, 31, false),
        ([3, 20, 20], 45, 44, true),
    ]
    .into_iter()
    .enumerate()
    {
        let picture = tensor(&format!("picture.{number}"), &shape);
        let picture = picture.affine(0.5, 0.5).unwrap();
        let rule = Picture {
            bicubic,
            ..Picture::imagenet(resize, crop)
        };
        let image = rule.prepare(&picture).unwrap();
        assert_eq!(image.dims(), [1, 3, crop, crop]);
        fixture.check(&format!("output.{number}"), &image, 1e-5, 0.0);
    }
    let grey = tensor("grey", &[1, 20, 20]);
    assert!(Picture::imagenet(32, 28).prepare(&grey).is_err());
    assert!(
        Picture::imagenet(28, 32)
            .prepare(&tensor("p", &[3, 20, 20]))
            .is_err()
    );
}
