//! How long a forward pass takes.

use std::time::{Duration, Instant};

use anyhow::Result;
use mednn::Context;
use mednn::memory::measure_peak;
use mednn::model::{Inputs, Model};
use mednn::plan::Planned;

/// Rows of the table of what takes longest.
const ROWS: usize = 12;

/// Forward passes of one image of noise: as the operators run one by one, and planned.
pub(crate) fn measure(network: &dyn Model, inputs: &Inputs) -> Result<()> {
    let shape = inputs.image()?.dims().to_vec();
    println!(
        "forward pass of {shape:?}, {} threads",
        rayon::current_num_threads()
    );
    let planned = Planned::new(network);
    for (name, model) in [
        ("planned", &planned as &dyn Model),
        ("operator by operator", &network),
    ] {
        let pass = || model.forward(inputs, &Context::evaluate());
        let (first, peak) = measure_peak(pass);
        drop(first?);
        let mut times = Vec::new();
        let start = Instant::now();
        while times.len() < 5 || (start.elapsed() < Duration::from_secs(3) && times.len() < 200) {
            let begin = Instant::now();
            drop(pass()?);
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let memory = peak.map(|p| format!(", {:.0} MB at most", p.peak as f64 / 1e6));
        println!(
            "  {name:<22} minimum {:9.1} ms, median {:9.1} ms of {}{}",
            times[0],
            times[times.len() / 2],
            times.len(),
            memory.unwrap_or_default(),
        );
    }
    // The plan has run before: its weights are packed.
    let (_, profile) = planned.plan(inputs)?.profile(inputs)?;
    println!("where the planned pass spends its time:");
    for row in profile.to_string().lines().take(ROWS) {
        println!("{row}");
    }
    Ok(())
}
