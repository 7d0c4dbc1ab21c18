//! Detections against annotations, in 2D and 3D: average precision, FROC, lesions found.
