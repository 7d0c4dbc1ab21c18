//! States that were changed on their way through JSON: an error, or a state that goes on without a panic.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(
    unused_must_use,
    reason = "what counts is that results come, not which"
)]

mod mutation;
mod states;
