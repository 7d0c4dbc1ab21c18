//! Results as pictures for people: deterministic SVG.
