//! Whether new data still look like the data of before.
