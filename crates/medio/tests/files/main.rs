//! What is written comes back, and dataset folders are understood or refused by name.

mod round_trip;
