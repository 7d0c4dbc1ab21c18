//! Frames of a file as images, arrays, overlays and what goes with them.

use medcore::Image;
use rayon::prelude::*;

use super::super::fault::Fault;
use super::super::file::DicomFile;
use super::super::functional_group::group_or_top;
use super::super::tag::Tag;
use super::calibration::PixelCalibration;
use super::convert::Raw;
use super::description::ImagePixels;
use super::finish::Ask;
use super::modality::Modality;
use super::overlay::{self, Overlay};
use super::palette::Palette;
use super::pixel_array::PixelArray;
use super::plane::FramePlane;
use super::quantity::{self, Quantity};
use super::real_world::RealWorldMapping;
use super::source::Source;
use super::voi::Voi;
use crate::report::Report;
use crate::voxel::Voxel;

impl DicomFile {
    /// What the file says of its pixels.
    ///
    /// # Errors
    /// Refuses files without an image, and attributes that break their rules.
    pub fn image(&self) -> crate::Result<ImagePixels> {
        ImagePixels::of(self.dataset(), &mut Report::default()).map_err(self.fault())
    }

    fn fault(&self) -> impl Fn(Fault) -> crate::Error + use<> {
        crate::Error::dicom(self.path())
    }

    /// One frame as an image in its place: modality values, or red, green and blue as channels.
    ///
    /// Pixels of `MONOCHROME1` keep their values; only showing them inverts them.
    ///
    /// # Errors
    /// Refuses damaged pixels, unsupported encodings, and values that `T` cannot hold.
    pub fn frame<T: Voxel>(&self, frame: usize) -> crate::Result<Image<T, 2>> {
        self.frame_image(frame).map_err(self.fault())
    }

    fn frame_image<T: Voxel>(&self, frame: usize) -> Result<Image<T, 2>, Fault> {
        let source = Source::of(self)?;
        let (rows, columns) = (source.image.rows, source.image.columns);
        let geometry = FramePlane::of(self.dataset(), frame)?.geometry(rows, columns)?;
        let array = source.read::<T>(Ask::Values, Some(frame))?;
        let [_, channels, _, _] = array.shape;
        Image::with_channels(channels, geometry, array.pixels).map_err(Fault::core("frame"))
    }

    /// Values of some frames, each into its place.
    pub(in super::super) fn values_into<T: Voxel>(
        &self,
        frames: Vec<(usize, &mut [T])>,
        quantity: &Quantity,
    ) -> crate::Result<()> {
        let read = || {
            let source = Source::with(self, quantity.clone())?;
            frames.into_par_iter().try_for_each(|(frame, out)| {
                source.check_frame(frame)?;
                if out.len() != source.image.frame_samples() {
                    return Err(Fault::FrameIndex {
                        problem: "the file is not the one that was scanned".to_owned(),
                    });
                }
                source.finish(frame, Ask::Values, source.raw(frame)?, None, out)
            })
        };
        read().map_err(self.fault())
    }

    /// The frames as they are stored, found once and then read one at a time.
    pub(in super::super) fn stored_frames(&self) -> Result<StoredFrames<'_>, Fault> {
        Ok(StoredFrames(Source::of(self)?))
    }

    /// All frames as they are stored: no rescaling, no palette, no change of colours.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn stored<T: Voxel>(&self) -> crate::Result<PixelArray<T>> {
        let read = || Source::of(self)?.read(Ask::Stored, None);
        read().map_err(self.fault())
    }

    /// One frame as it is stored.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn stored_frame<T: Voxel>(&self, frame: usize) -> crate::Result<PixelArray<T>> {
        let read = || Source::of(self)?.read(Ask::Stored, Some(frame));
        read().map_err(self.fault())
    }

    /// All frames as values: rescaled or looked up for the modality, each frame by its own rule; colours as
    /// red, green and blue.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn values<T: Voxel>(&self) -> crate::Result<PixelArray<T>> {
        let read = || Source::of(self)?.read(Ask::Values, None);
        read().map_err(self.fault())
    }

    /// All frames as values of a quantity: those of the modality, as stored, in real-world units ...
    ///
    /// # Errors
    /// Refuses files that do not say how to get at the quantity, and what [`Self::frame`] refuses.
    pub fn values_of<T: Voxel>(&self, quantity: &Quantity) -> crate::Result<PixelArray<T>> {
        let read = || Source::with(self, quantity.clone())?.read(Ask::Values, None);
        read().map_err(self.fault())
    }

    /// One frame as values of a quantity.
    ///
    /// # Errors
    /// As [`Self::values_of`].
    pub fn values_of_frame<T: Voxel>(
        &self,
        frame: usize,
        quantity: &Quantity,
    ) -> crate::Result<PixelArray<T>> {
        let read = || Source::with(self, quantity.clone())?.read(Ask::Values, Some(frame));
        read().map_err(self.fault())
    }

    /// The unit of a quantity in a frame, if the file says it: `HU`, `BQML`, `GY`, or a code of UCUM.
    ///
    /// # Errors
    /// Refuses files that do not say how to get at the quantity.
    pub fn unit(&self, frame: usize, quantity: &Quantity) -> crate::Result<Option<String>> {
        quantity::unit(self.dataset(), frame, self.is_signed(), quantity).map_err(self.fault())
    }

    /// The mappings to real-world values of a frame.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn real_world(&self, frame: usize) -> crate::Result<Vec<RealWorldMapping>> {
        RealWorldMapping::all(self.dataset(), frame).map_err(self.fault())
    }

    /// All frames of a colour image as red, green and blue in 8 bits.
    ///
    /// # Errors
    /// Refuses monochrome images, and what [`Self::frame`] refuses.
    pub fn colours(&self) -> crate::Result<PixelArray<u8>> {
        let read = || Source::of(self)?.read(Ask::Colours8, None);
        read().map_err(self.fault())
    }

    /// The transform from stored values to those of the modality.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn modality(&self, frame: usize) -> crate::Result<Modality> {
        Modality::of(self.dataset(), frame, self.is_signed()).map_err(self.fault())
    }

    /// The windows and tables with which a frame asks to be shown.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn voi(&self, frame: usize) -> crate::Result<Voi> {
        let group = group_or_top(self.dataset(), frame, Tag::FRAME_VOI_LUT_SEQUENCE);
        Voi::of(group, self.is_signed()).map_err(self.fault())
    }

    /// The palette of a `PALETTE COLOR` image.
    ///
    /// # Errors
    /// Refuses files without one, and tables that break their rules.
    pub fn palette(&self) -> crate::Result<Palette> {
        Palette::of(self.dataset(), self.is_signed()).map_err(self.fault())
    }

    /// Position, orientation and spacing of a frame.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn plane(&self, frame: usize) -> crate::Result<FramePlane> {
        FramePlane::of(self.dataset(), frame).map_err(self.fault())
    }

    /// What the pixels of a frame are worth in millimetres.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn calibration(&self, frame: usize) -> crate::Result<PixelCalibration> {
        PixelCalibration::of(self.dataset(), frame).map_err(self.fault())
    }

    /// The overlays: of their own, and those in unused bits of the pixels.
    ///
    /// # Errors
    /// Refuses attributes that break their rules, and damaged pixels.
    pub fn overlays(&self) -> crate::Result<Vec<Overlay>> {
        let read = || {
            let (mut own, embedded) = overlay::overlays(self.dataset())?;
            if embedded.is_empty() {
                return Ok(own);
            }
            let source = Source::of(self)?;
            for overlay in embedded {
                own.push(source.embedded(overlay)?);
            }
            Ok(own)
        };
        read().map_err(self.fault())
    }

    fn is_signed(&self) -> bool {
        let representation = self.dataset().integer(Tag::PIXEL_REPRESENTATION);
        matches!(representation, Ok(Some(1)))
    }
}

/// Frames of a file for a reader that puts each in a place of its own.
pub(in super::super) struct StoredFrames<'a>(Source<'a>);

impl StoredFrames<'_> {
    pub(in super::super) fn image(&self) -> &ImagePixels {
        &self.0.image
    }

    /// Fills `out`, `[samples, rows, columns]`, with a frame as it is stored.
    pub(in super::super) fn read<T: Voxel>(
        &self,
        frame: usize,
        out: &mut [T],
    ) -> Result<(), Fault> {
        self.0.check_frame(frame)?;
        match self.0.raw(frame)? {
            (
                Raw::Bytes {
                    bytes,
                    skip,
                    width: 1,
                    ..
                },
                ..,
            ) if self.0.image.samples == 1 => {
                set_ones(&bytes, skip, out);
                Ok(())
            }
            raw => self.0.finish(frame, Ask::Stored, raw, None, out),
        }
    }
}

/// Unpacks bits from the one at `skip` on; masks are mostly zeros, which are passed over by the byte.
fn set_ones<T: Voxel>(bytes: &[u8], skip: usize, out: &mut [T]) {
    out.fill(T::default());
    let Some(one) = T::from_i32(1) else { return };
    for (at, &byte) in bytes.iter().enumerate() {
        let mut left = byte;
        while left != 0 {
            let bit = at * 8 + left.trailing_zeros() as usize;
            if let Some(place) = bit.checked_sub(skip).and_then(|i| out.get_mut(i)) {
                *place = one;
            }
            left &= left - 1;
        }
    }
}
