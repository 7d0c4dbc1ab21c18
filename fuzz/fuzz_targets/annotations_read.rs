//! Any bytes as annotations of every format; the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use medio::annotations::pascal_voc::{self, PixelConvention};
use medio::annotations::yolo::{self, Task};
use medio::annotations::{AnnotatedImage, Annotations, coco, cvat, label_me, label_studio};
use medio::medcore::Budget;

fuzz_target!(|bytes: &[u8]| {
    let Some((&format, bytes)) = bytes.split_first() else {
        return;
    };
    let budget = Budget::new(64 << 20);
    let yolo = |task| -> Option<Annotations> {
        let options = yolo::Options::new(task).classes(3);
        let mut image = AnnotatedImage::new("a.png", [40, 30]);
        image.objects = yolo::decode(bytes, [40, 30], &options, &budget).ok()?;
        // What was read can be written.
        let _ = yolo::encode(&image, &options);
        None
    };
    let read = match format % 10 {
        0 => coco::decode(bytes, &budget).ok(),
        1 => cvat::decode(bytes, &budget).ok(),
        2 => pascal_voc::decode(bytes, PixelConvention::FromOne, &budget).ok(),
        3 => label_me::decode(bytes, &budget).ok(),
        4 => label_studio::decode(bytes, &label_studio::Options::new(), &budget).ok(),
        5 => yolo(Task::Detect),
        6 => yolo(Task::Segment),
        7 => yolo(Task::Pose { keypoints: 2, dims: 3 }),
        8 => yolo(Task::OrientedBox),
        _ => {
            let _ = yolo::Description::decode(bytes, &budget);
            None
        }
    };
    if let Some(annotations) = read {
        assert!(annotations.check().is_ok(), "what was read keeps the rules of the model");
    }
});
