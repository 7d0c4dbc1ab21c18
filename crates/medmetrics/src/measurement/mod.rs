//! Diameters and volumes in millimetres from masks and boxes.
