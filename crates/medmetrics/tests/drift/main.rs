//! Agreement with SciPy and with evidently's rules, through committed fixtures, and the laws of drift.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod distances;
#[path = "../common/fixture.rs"]
mod fixture;
mod reports;
mod sequential;
#[path = "../common/within.rs"]
mod within;

use fixture::numbers;
use within::assert_within;

fn fixture() -> serde_json::Value {
    fixture::read("drift/distances.json")
}
