//! Any bytes as annotations of every format; the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, budget};
use medio::annotations::pascal_voc::{self, PixelConvention};
use medio::annotations::yolo::{self, Task};
use medio::annotations::{AnnotatedImage, Annotations, Fault, coco, cvat, label_me, label_studio};

fn read(format: u8, bytes: &[u8]) -> Result<Option<Annotations>, Fault> {
    let budget = budget();
    let yolo = |task| -> Result<Option<Annotations>, Fault> {
        let options = yolo::Options::new(task).classes(3);
        let mut image = AnnotatedImage::new("a.png", [40, 30]);
        image.objects = yolo::decode(bytes, [40, 30], &options, &budget)?;
        // What was read can be written.
        let _ = yolo::encode(&image, &options);
        Ok(None)
    };
    match format % 10 {
        0 => coco::decode(bytes, &budget).map(Some),
        1 => cvat::decode(bytes, &budget).map(Some),
        2 => pascal_voc::decode(bytes, PixelConvention::FromOne, &budget).map(Some),
        3 => label_me::decode(bytes, &budget).map(Some),
        4 => label_studio::decode(bytes, &label_studio::Options::new(), &budget).map(Some),
        5 => yolo(Task::Detect),
        6 => yolo(Task::Segment),
        7 => yolo(Task::Pose {
            keypoints: 2,
            dims: 3,
        }),
        8 => yolo(Task::OrientedBox),
        _ => yolo::Description::decode(bytes, &budget).map(|_| None),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&format, bytes)) = bytes.split_first() else {
        return;
    };
    let Ok(Some(annotations)) = bounded(bytes, |bytes| read(format, bytes)) else {
        return;
    };
    assert!(
        annotations.check().is_ok(),
        "what was read keeps the rules of the model"
    );
    // What these formats have written they read again.
    if let (0, Ok((text, _))) = (format % 10, coco::encode(&annotations)) {
        assert!(coco::decode(text.as_bytes(), &budget()).is_ok());
    }
    if let (1, Ok((text, _))) = (format % 10, cvat::encode(&annotations)) {
        assert!(cvat::decode(text.as_bytes(), &budget()).is_ok());
    }
    let written = pascal_voc::encode(&annotations, PixelConvention::FromOne);
    if let (2, Ok((texts, _))) = (format % 10, written) {
        for text in texts {
            assert!(
                pascal_voc::decode(text.as_bytes(), PixelConvention::FromOne, &budget()).is_ok()
            );
        }
    }
});
