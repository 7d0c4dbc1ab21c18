//! How a bundle is loaded.

use mednn::candle_core::Device;

use super::SignatureKey;

/// Where the networks of a bundle are made, and whose signature its description must have.
///
/// ```no_run
/// # fn f(key: medinfer::SignatureKey, image: medcore::Image<u16, 2>) -> Result<(), medinfer::Error> {
/// use medinfer::{Bundle, LoadOptions};
/// use mednn::DeviceName;
///
/// let device = DeviceName::Cuda(0).open()?;
/// let options = LoadOptions::new().with_device(&device).with_key(&key);
/// let bundle = Bundle::load_with("pneumonia-1.2.0", &options)?;
/// let found = bundle.classifier::<2>()?.classify(&image)?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadOptions<'a> {
    /// Where networks are made; images and records are brought there, and answers back. Of several networks all are there.
    pub device: Device,
    /// Whose signature must be beside the description (`bundle.json.minisig`); none need be where there is no key.
    pub key: Option<&'a SignatureKey>,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> LoadOptions<'a> {
    /// On the processor, signed or not.
    #[must_use]
    pub fn new() -> Self {
        Self {
            device: Device::Cpu,
            key: None,
        }
    }

    /// Sets where networks are made.
    #[must_use]
    pub fn with_device(self, device: &Device) -> Self {
        Self {
            device: device.clone(),
            ..self
        }
    }

    /// Sets whose signature the description must have.
    ///
    /// The description says what it hashes to itself, and has the hashes of everything else: these show accidents, the
    /// signature who made the bundle. It is made by `minisign -Sm bundle.json` where the secret key is, not here.
    #[must_use]
    pub fn with_key(self, key: &'a SignatureKey) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }
}
