//! Compiles `kernels/*.cu` to PTX when the feature `cuda` is on; does nothing without it.
//!
//! PTX for compute capability 8.0 runs on every later device: the driver finishes it when a kernel is first used. Nothing is
//! downloaded; `tools/cuda/setup` installs a compiler where there is none.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, thread};

/// The least capable device, as PTX names it.
const ARCHITECTURE: &str = "compute_80";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return Ok(());
    }
    for variable in ["NVCC", "CUDA_HOME", "CUDA_PATH", "PATH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=kernels");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let nvcc = nvcc()?;
    let mut sources: Vec<PathBuf> = fs::read_dir("kernels")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "cu"));
    sources.sort();
    let compiled: Vec<Result<Kernel, String>> = thread::scope(|scope| {
        let running: Vec<_> = sources
            .chunks(sources.len().div_ceil(jobs()).max(1))
            .map(|part| {
                scope.spawn(|| {
                    part.iter()
                        .map(|source| compile(&nvcc, source, &out))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let failed = |_| vec![Err("a compiling thread failed".to_owned())];
        running
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(failed))
            .collect()
    });
    let mut list = String::new();
    for kernel in compiled {
        let Kernel { name, ptx } = kernel?;
        // The driver's modules are looked up by name, so that other versions of this crate need other names.
        let hash = fs::read(&ptx)?
            .iter()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
            });
        writeln!(
            list,
            "/// `kernels/{name}.cu`.\n\
             pub(super) const {}: Module = Module {{ name: \"mednn_{name}_{hash:016x}\", ptx: include_str!({ptx:?}) }};",
            name.to_uppercase()
        )?;
    }
    fs::write(out.join("modules.rs"), list)?;
    Ok(())
}

struct Kernel {
    name: String,
    ptx: PathBuf,
}

fn compile(nvcc: &Path, source: &Path, out: &Path) -> Result<Kernel, String> {
    let name = source
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let ptx = out.join(format!("{name}.ptx"));
    let output = Command::new(nvcc)
        .args(["-ptx", "-O3", "-std=c++17", "-arch", ARCHITECTURE, "-o"])
        .arg(&ptx)
        .arg(source)
        .output()
        .map_err(|error| format!("{} did not start: {error}", nvcc.display()))?;
    if output.status.success() {
        return Ok(Kernel { name, ptx });
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{} refused {}:\n{said}",
        nvcc.display(),
        source.display()
    ))
}

/// The compiler: `NVCC`, or `bin/nvcc` in `CUDA_HOME` or `CUDA_PATH`, or the first in `PATH`.
fn nvcc() -> Result<PathBuf, String> {
    let homes = ["CUDA_HOME", "CUDA_PATH"]
        .into_iter()
        .filter_map(env::var_os);
    let named = env::var_os("NVCC").map(PathBuf::from);
    let candidates = named
        .into_iter()
        .chain(homes.map(|home| Path::new(&home).join("bin/nvcc")));
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join("nvcc"));
    candidates.chain(in_path).find(|path| path.is_file()).ok_or_else(|| {
        "the feature `cuda` needs nvcc (CUDA 12.0 to 13.0), which was found neither by NVCC, CUDA_HOME or CUDA_PATH nor in \
         PATH; `tools/cuda/setup` installs it without a driver, then set CUDA_HOME to the folder it names"
            .to_owned()
    })
}

fn jobs() -> usize {
    env::var("NUM_JOBS")
        .ok()
        .and_then(|jobs| jobs.parse().ok())
        .unwrap_or(1)
}
