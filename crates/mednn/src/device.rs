//! Where a program computes, as a person names it.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::error::{Error, Result};

/// A device by name: `cpu`, `cuda` (the first GPU) or `cuda:1` (the second).
///
/// ```
/// use mednn::DeviceName;
///
/// let name: DeviceName = "cuda:1".parse()?;
/// assert_eq!(name, DeviceName::Cuda(1));
/// assert!(DeviceName::default().open()?.is_cpu());
/// assert!("gpu".parse::<DeviceName>().is_err());
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU by its number, which needs the feature `cuda`.
    Cuda(usize),
}

impl DeviceName {
    /// The device, on which parameters are then made (see [`crate::Params::on_device`]).
    ///
    /// # Errors
    /// For a GPU when the program was built without the feature `cuda`, and when the driver does not give the device.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(Error::BuiltWithoutCuda {
                device: self.to_string(),
            }),
            Self::Cuda(number) => {
                Device::new_cuda(number).map_err(|source| Error::DeviceNotOpened {
                    device: self.to_string(),
                    reason: source.to_string(),
                })
            }
        }
    }
}

impl FromStr for DeviceName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let number = match name {
            "cpu" => return Ok(Self::Cpu),
            "cuda" => Some(0),
            _ => name
                .strip_prefix("cuda:")
                .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|number| number.parse().ok()),
        };
        number.map(Self::Cuda).ok_or_else(|| Error::DeviceName {
            got: name.to_owned(),
        })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (text, device) in [
            ("cpu", DeviceName::Cpu),
            ("cuda", DeviceName::Cuda(0)),
            ("cuda:0", DeviceName::Cuda(0)),
            ("cuda:12", DeviceName::Cuda(12)),
        ] {
            assert_eq!(text.parse::<DeviceName>().unwrap(), device);
            assert_eq!(device.to_string().parse::<DeviceName>().unwrap(), device);
        }
        let too_many = format!("cuda:{}0", usize::MAX);
        for wrong in [
            "", "CPU", "gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda:1x", "cuda 1", &too_many,
        ] {
            let message = wrong.parse::<DeviceName>().unwrap_err().to_string();
            assert!(message.contains(&format!("{wrong:?}")), "{message}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_program_for_the_processor_says_how_to_get_another() {
        let message = DeviceName::Cuda(1).open().unwrap_err().to_string();
        assert!(
            message.contains("cuda:1") && message.contains("--features"),
            "{message}"
        );
    }
}
