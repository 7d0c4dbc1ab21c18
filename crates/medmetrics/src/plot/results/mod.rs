//! Plots of results, so that nobody copies points by hand.

mod agreement;
mod calibration;
mod classification;
mod detection;
mod drift;

/// Points closer than this share of both axes to the one before are not drawn: a quarter of a pixel.
const CLOSE: f64 = 1.0 / 2000.0;

/// The points that can be told apart where `across` says how far along its axis an x lies; the first and the
/// last one stay. A curve of ten million scores is then no larger than a picture of it needs to be.
fn thinned(
    points: impl IntoIterator<Item = (f64, f64)>,
    across: impl Fn(f64) -> f64,
) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for point in points {
        let far = |to: &(f64, f64)| {
            (across(point.0) - across(to.0)).abs() >= CLOSE || (point.1 - to.1).abs() >= CLOSE
        };
        last = match kept.last().is_none_or(far) {
            true => {
                kept.push(point);
                None
            }
            false => Some(point),
        };
    }
    kept.extend(last);
    kept
}
