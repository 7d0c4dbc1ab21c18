//! The machine.

use std::fs;

use serde::{Deserialize, Serialize};

/// The machine and its operating system.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct System {
    /// The operating system, by its own name where it has one: "Debian GNU/Linux 12 (bookworm)".
    pub os: String,
    /// The version of its kernel.
    pub kernel: Option<String>,
    /// The kind of processor: "x86_64", "aarch64".
    pub architecture: String,
    /// The processor, by its maker's name.
    pub cpu: Option<String>,
    /// Its vector instructions, on which the last digits of a result may depend.
    pub cpu_features: Vec<String>,
    /// Processors the program may use.
    pub cores: usize,
    /// Threads of the pool that computes.
    pub threads: usize,
    /// The name of the machine.
    pub host: Option<String>,
}

impl System {
    /// The present one.
    #[must_use]
    pub fn capture() -> Self {
        let line = |path: &str| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        Self {
            os: field("/etc/os-release", "PRETTY_NAME", '=')
                .unwrap_or_else(|| std::env::consts::OS.to_owned()),
            kernel: line("/proc/sys/kernel/osrelease"),
            architecture: std::env::consts::ARCH.to_owned(),
            cpu: field("/proc/cpuinfo", "model name", ':'),
            cpu_features: features(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads: rayon::current_num_threads(),
            host: line("/proc/sys/kernel/hostname"),
        }
    }
}

/// The first value of a key in a file of keys and values.
fn field(path: &str, key: &str, mark: char) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(mark));
    let (_, value) = pairs.find(|(name, _)| name.trim() == key)?;
    Some(value.trim().trim_matches('"').to_owned())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    let there = [
        ("sse4.2", std::is_x86_feature_detected!("sse4.2")),
        ("avx", std::is_x86_feature_detected!("avx")),
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("f16c", std::is_x86_feature_detected!("f16c")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512bw", std::is_x86_feature_detected!("avx512bw")),
        ("avx512vnni", std::is_x86_feature_detected!("avx512vnni")),
    ];
    named(&there)
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<String> {
    let there = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
    ];
    named(&there)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<String> {
    named(&[])
}

fn named(features: &[(&str, bool)]) -> Vec<String> {
    let there = features.iter().filter(|(_, there)| *there);
    there.map(|(name, _)| (*name).to_owned()).collect()
}
