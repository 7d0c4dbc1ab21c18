//! Text that is burned into pixels: where it may be, and how it is blanked (PS3.15 section E.3.1).

use serde::{Deserialize, Serialize};

use super::super::dataset::{Dataset, Element, Value};
use super::super::fault::Fault;
use super::super::file::DicomFile;
use super::super::pixels::{ImagePixels, Photometric, SampleKind};
use super::super::tag::Tag;
use super::super::transfer_syntax::{Codec, TransferSyntax};
use super::super::vr::Vr;
use super::profile::Profile;
use crate::report::Report;
use crate::voxel::Voxel;

/// Pixels of a frame, from the first row and column to before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rectangle {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// The row below the last.
    pub bottom: usize,
    /// The column right of the last.
    pub right: usize,
}

impl Rectangle {
    fn holds(&self, row: usize, column: usize) -> bool {
        (self.top..self.bottom).contains(&row) && (self.left..self.right).contains(&column)
    }

    fn meets(&self, other: &Self) -> bool {
        self.top.max(other.top) < self.bottom.min(other.bottom)
            && self.left.max(other.left) < self.right.min(other.right)
    }

    fn covers(&self, other: &Self) -> bool {
        self.top <= other.top
            && self.left <= other.left
            && self.bottom >= other.bottom
            && self.right >= other.right
    }
}

/// Images that a rule is for: those for which everything that is given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PixelCondition {
    /// `Modality`
    pub modality: Option<String>,
    /// A part of `Manufacturer`, in any case of letters.
    pub manufacturer: Option<String>,
    /// A part of `ManufacturerModelName`, in any case of letters.
    pub model: Option<String>,
    /// One of the values of `ImageType`.
    pub image_type: Option<String>,
    /// `Rows`
    pub rows: Option<usize>,
    /// `Columns`
    pub columns: Option<usize>,
    /// `BurnedInAnnotation`
    pub burned_in: Option<String>,
}

impl PixelCondition {
    fn holds(&self, dataset: &Dataset, image: &ImagePixels) -> bool {
        let equals = |wanted: &Option<String>, tag| {
            let wanted = wanted.as_ref();
            wanted.is_none_or(|wanted| dataset.string(tag).as_ref() == Some(wanted))
        };
        let contains = |wanted: &Option<String>, tag| {
            let text = dataset.text(tag).unwrap_or_default().to_lowercase();
            let wanted = wanted.as_ref();
            wanted.is_none_or(|wanted| text.contains(&wanted.to_lowercase()))
        };
        let kind = || dataset.strings(Tag::IMAGE_TYPE);
        equals(&self.modality, Tag::MODALITY)
            && equals(&self.burned_in, Tag::BURNED_IN_ANNOTATION)
            && contains(&self.manufacturer, Tag::MANUFACTURER)
            && contains(&self.model, Tag::MANUFACTURER_MODEL_NAME)
            && { self.image_type.as_ref() }.is_none_or(|wanted| kind().contains(wanted))
            && self.rows.is_none_or(|rows| rows == image.rows)
            && self.columns.is_none_or(|columns| columns == image.columns)
    }
}

/// Which pixels a rule blanks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PixelRegion {
    /// These.
    Blank(Vec<Rectangle>),
    /// All but these.
    BlankOutside(Vec<Rectangle>),
    /// All outside of the regions of an ultrasound image (PS3.3 section C.8.5.5).
    BlankOutsideUltrasoundRegions,
    /// None: such images are known to be free of text.
    Nothing,
}

/// Pixels to blank in images of one kind; can be read from a file with serde.
///
/// ```
/// use medio::dicom::deidentify::PixelRule;
///
/// let rule = r#"{"when": {"modality": "CT", "rows": 512},
///     "region": {"blank": [{"top": 0, "left": 0, "bottom": 40, "right": 512}]}}"#;
/// let rule: PixelRule = serde_json::from_str(rule)?;
/// assert_eq!(rule.when.rows, Some(512));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelRule {
    /// Images that it is for.
    #[serde(default)]
    pub when: PixelCondition,
    /// Their pixels.
    pub region: PixelRegion,
}

/// Why text may be burned into an image; none where that is unusual.
fn risk(dataset: &Dataset) -> Option<&'static str> {
    let class = dataset.string(Tag::SOP_CLASS_UID).unwrap_or_default();
    let secondary = class.strip_prefix("1.2.840.10008.5.1.4.1.1.7");
    if secondary.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
        return Some("it is a secondary capture");
    }
    if dataset.string(Tag::BURNED_IN_ANNOTATION).as_deref() == Some("YES") {
        return Some("BurnedInAnnotation is YES");
    }
    let modality = dataset.string(Tag::MODALITY).unwrap_or_default();
    let risky = [
        "US", "IVUS", "ES", "XC", "GM", "OT", "SC", "HC", "DOC", "DG", "VL",
    ];
    if risky.contains(&modality.as_str()) {
        return Some("its modality writes into pixels");
    }
    if dataset.has_value(Tag::CONVERSION_TYPE) {
        return Some("it was converted from film, video or paper");
    }
    let kind = dataset.strings(Tag::IMAGE_TYPE);
    let screen = |term: &String| term.contains("SCREEN") || term.contains("DOSE");
    kind.iter()
        .any(screen)
        .then_some("ImageType says that it shows a screen")
}

/// Each pixel is held against each region, so there is a bound to them.
const MOST_REGIONS: usize = 64;

/// The regions of an ultrasound image; both corners belong to them.
fn ultrasound_regions(dataset: &Dataset) -> Result<Vec<Rectangle>, Fault> {
    let corner = |item: &Dataset, tag| {
        let value = item.required_integer(tag)?;
        let value = usize::try_from(value);
        value.map_err(|_| Fault::attribute(tag, "a pixel of the image", "a negative one"))
    };
    let regions = dataset.items(Tag::SEQUENCE_OF_ULTRASOUND_REGIONS);
    if regions.len() > MOST_REGIONS {
        let tag = Tag::SEQUENCE_OF_ULTRASOUND_REGIONS;
        return Err(Fault::attribute(tag, "at most 64 regions", regions.len()));
    }
    let rectangle = |item: &Dataset| {
        Ok(Rectangle {
            top: corner(item, Tag::REGION_LOCATION_MIN_Y0)?,
            left: corner(item, Tag::REGION_LOCATION_MIN_X0)?,
            bottom: corner(item, Tag::REGION_LOCATION_MAX_Y1)?.saturating_add(1),
            right: corner(item, Tag::REGION_LOCATION_MAX_X1)?.saturating_add(1),
        })
    };
    regions.iter().map(rectangle).collect()
}

/// What is to be done to the pixels of a file.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Whether a rule says of these pixels that they are clean afterwards.
    pub(super) cleaned: bool,
    columns: usize,
    /// Pixels to blank.
    blank: Vec<Rectangle>,
    /// Pixels to blank all but: one list for each rule.
    outside: Vec<Vec<Rectangle>>,
    /// Bits of each word that are an overlay's.
    overlay_bits: u64,
}

impl Plan {
    /// Finds the rules that fit, and refuses images that need one and have none.
    pub(super) fn of(dataset: &Dataset, profile: &Profile) -> Result<Self, Fault> {
        let image = match ImagePixels::of(dataset, &mut Report::default()) {
            Ok(image) => image,
            Err(Fault::NoPixelData) => return Ok(Self::default()),
            Err(fault) => return Err(fault),
        };
        let mut plan = Self {
            columns: image.columns,
            overlay_bits: overlay_bits(dataset, &image)?,
            ..Self::default()
        };
        let rules = profile.pixels.as_deref();
        let fitting = rules.unwrap_or(&[]).iter();
        let mut fitting: Vec<_> = fitting
            .filter(|rule| rule.when.holds(dataset, &image))
            .map(|rule| &rule.region)
            .collect();
        let regions = ultrasound_regions(dataset)?;
        if rules.is_some() && fitting.is_empty() && !regions.is_empty() {
            fitting.push(&PixelRegion::BlankOutsideUltrasoundRegions);
        }
        plan.cleaned = !fitting.is_empty();
        if fitting.is_empty() {
            if !profile.pixels_trusted
                && let Some(reason) = risk(dataset)
            {
                return Err(Fault::BurnedInText { reason });
            }
            return Ok(plan);
        }
        let whole = Rectangle {
            top: 0,
            left: 0,
            bottom: image.rows,
            right: image.columns,
        };
        for region in fitting {
            let outside = match region {
                PixelRegion::Nothing => continue,
                PixelRegion::Blank(rectangles) => {
                    let inside = rectangles.iter().filter(|r| r.meets(&whole));
                    plan.blank.extend(inside);
                    continue;
                }
                PixelRegion::BlankOutside(rectangles) => rectangles.clone(),
                PixelRegion::BlankOutsideUltrasoundRegions if regions.is_empty() => {
                    let tag = Tag::SEQUENCE_OF_ULTRASOUND_REGIONS;
                    return Err(Fault::MissingAttribute { tag });
                }
                PixelRegion::BlankOutsideUltrasoundRegions => regions.clone(),
            };
            if !outside.iter().any(|r| r.covers(&whole)) {
                plan.outside.push(outside);
            }
        }
        Ok(plan)
    }

    /// Whether pixels change at all.
    pub(super) fn blanks(&self) -> bool {
        self.overlay_bits != 0 || !self.blank.is_empty() || !self.outside.is_empty()
    }

    /// Whether a pixel of a frame, row by row, is blanked.
    fn covers(&self, pixel: usize) -> bool {
        let row = pixel.checked_div(self.columns).unwrap_or(0);
        let column = pixel.checked_rem(self.columns).unwrap_or(0);
        let holds = |rectangle: &Rectangle| rectangle.holds(row, column);
        self.blank.iter().any(holds) || self.outside.iter().any(|keep| !keep.iter().any(holds))
    }
}

/// Bits of the pixels' words that overlays use (retired).
fn overlay_bits(dataset: &Dataset, image: &ImagePixels) -> Result<u64, Fault> {
    let mut bits = 0_u64;
    for group in (0x6000..=0x601e_u16).step_by(2) {
        let tag = |element| Tag::new(group, element);
        if dataset.has_value(tag(0x3000)) {
            continue;
        }
        let position = dataset.integer(tag(0x0102)).ok().flatten();
        let Some(bit) = position.and_then(|bit| u32::try_from(bit).ok()) else {
            continue;
        };
        let low = image
            .high_bit
            .saturating_add(1)
            .saturating_sub(image.bits_stored);
        // A position among the pixels' own bits, as that of an overlay whose data is missing, is none.
        if bit < image.bits_allocated && !(low..=image.high_bit).contains(&bit) {
            bits |= 1_u64.checked_shl(bit).unwrap_or(0);
        }
    }
    Ok(bits)
}

/// What a blanked sample becomes.
fn blank_of(image: &ImagePixels, channel: usize) -> u64 {
    let half = 1_u64
        .checked_shl(image.bits_stored.saturating_sub(1))
        .unwrap_or(0);
    let largest = half.saturating_sub(1).saturating_add(half);
    match (&image.photometric, image.kind) {
        (Photometric::Monochrome1, SampleKind::Unsigned) => largest,
        (Photometric::Monochrome1, SampleKind::Signed) => half.saturating_sub(1),
        (Photometric::YbrFull | Photometric::YbrFull422, _) if channel > 0 => half,
        _ => 0,
    }
}

/// A file's pixels with the plan carried out: native, little-endian, and what describes them.
pub(super) fn blanked(
    file: &DicomFile,
    plan: &Plan,
    dataset: &mut Dataset,
) -> crate::Result<TransferSyntax> {
    let refused = crate::Error::dicom(file.path());
    let syntax = file.transfer_syntax().ok_or_else(|| {
        let uid = file.transfer_syntax_uid().chars().take(64).collect();
        refused(Fault::UnsupportedTransferSyntax {
            uid,
            name: "unknown",
        })
    })?;
    let image = file.image()?;
    if syntax.codec == Codec::Native {
        native(file, plan, &image, dataset)?;
        return Ok(syntax);
    }
    if plan.overlay_bits != 0 {
        let what = "an overlay in compressed pixels".to_owned();
        return Err(refused(Fault::Unsupported { what }));
    }
    decoded(file, plan, image, dataset)?;
    Ok(TransferSyntax::EXPLICIT_LITTLE_ENDIAN)
}

fn native(
    file: &DicomFile,
    plan: &Plan,
    image: &ImagePixels,
    dataset: &mut Dataset,
) -> crate::Result<()> {
    let refused = crate::Error::dicom(file.path());
    let tags = [
        Tag::PIXEL_DATA,
        Tag::FLOAT_PIXEL_DATA,
        Tag::DOUBLE_FLOAT_PIXEL_DATA,
    ];
    let element = tags.into_iter().find_map(|tag| file.dataset().get(tag));
    let element = element.ok_or_else(|| refused(Fault::NoPixelData))?;
    let Value::Bytes(mut bytes) = file.load(element)? else {
        return Err(refused(Fault::NoPixelData));
    };
    let unit = match image.bits_allocated {
        8 | 16 | 32 | 64 => usize::try_from(image.bits_allocated / 8).unwrap_or(1),
        1 if image.samples == 1 && plan.overlay_bits == 0 => {
            bits(&mut bytes, plan, image);
            dataset.insert(Element::new(
                element.tag(),
                element.vr(),
                Value::Bytes(bytes),
            ));
            return Ok(());
        }
        bits => {
            let what = format!("blanking pixels of {bits} bits");
            return Err(refused(Fault::Unsupported { what }));
        }
    };
    if plan.overlay_bits != 0 {
        let keep = (!plan.overlay_bits).to_le_bytes();
        for word in bytes.chunks_exact_mut(unit) {
            word.iter_mut()
                .zip(keep)
                .for_each(|(byte, keep)| *byte &= keep);
        }
    }
    let samples = Layout::of(image);
    let frame = samples.frame_samples.saturating_mul(unit).max(1);
    // The byte that makes an odd length even is no pixel.
    let used = frame.saturating_mul(image.frames);
    let padding = usize::from(bytes.len().checked_sub(1) == Some(used));
    let end = bytes.len().saturating_sub(padding);
    for frame in bytes.get_mut(..end).unwrap_or(&mut []).chunks_mut(frame) {
        for (at, sample) in frame.chunks_exact_mut(unit).enumerate() {
            let (channel, blank) = samples.is_blank(at, plan);
            if blank {
                let value = blank_of(image, channel).to_le_bytes();
                sample
                    .iter_mut()
                    .zip(value)
                    .for_each(|(byte, value)| *byte = value);
            }
        }
    }
    dataset.insert(Element::new(
        element.tag(),
        element.vr(),
        Value::Bytes(bytes),
    ));
    Ok(())
}

/// Pixels of one bit: those of all frames follow each other without a gap.
fn bits(bytes: &mut [u8], plan: &Plan, image: &ImagePixels) {
    let pixels = image.frame_pixels().max(1);
    for (at, byte) in bytes.iter_mut().enumerate() {
        for bit in 0..8_usize {
            let pixel = at.saturating_mul(8).saturating_add(bit).checked_rem(pixels);
            if pixel.is_some_and(|pixel| plan.covers(pixel)) {
                *byte &= !1_u8
                    .checked_shl(u32::try_from(bit).unwrap_or(0))
                    .unwrap_or(0);
            }
        }
    }
}

/// In which order the samples of a frame lie.
struct Layout {
    pixels: usize,
    samples: usize,
    frame_samples: usize,
    order: Order,
}

enum Order {
    Interleaved,
    Planar,
    /// Two luminances, then their two differences (`YBR_FULL_422`).
    Pairs,
}

impl Layout {
    fn of(image: &ImagePixels) -> Self {
        let pixels = image.frame_pixels();
        let (order, per_pixel) =
            if image.photometric == Photometric::YbrFull422 && image.samples == 3 {
                (Order::Pairs, 2)
            } else if image.planar {
                (Order::Planar, image.samples)
            } else {
                (Order::Interleaved, image.samples)
            };
        Self {
            pixels: pixels.max(1),
            samples: image.samples.max(1),
            frame_samples: pixels.saturating_mul(per_pixel),
            order,
        }
    }

    /// The channel of a sample, and whether its pixel, or one that it shares, is blanked.
    fn is_blank(&self, at: usize, plan: &Plan) -> (usize, bool) {
        let part =
            |a: usize, b: usize| (a.checked_div(b).unwrap_or(0), a.checked_rem(b).unwrap_or(0));
        let marked = |pixel| plan.covers(pixel);
        match self.order {
            Order::Interleaved => {
                let (pixel, channel) = part(at, self.samples);
                (channel, marked(pixel))
            }
            Order::Planar => {
                let (channel, pixel) = part(at, self.pixels);
                (channel, marked(pixel))
            }
            Order::Pairs => {
                let (pair, place) = part(at, 4);
                let first = pair.saturating_mul(2);
                // Differences are shared by two pixels, and so is their fate.
                let both = marked(first) || marked(first.saturating_add(1));
                (place.saturating_sub(1), both)
            }
        }
    }
}

/// Decodes compressed frames, blanks them and leaves them native: colours as red, green, blue.
fn decoded(
    file: &DicomFile,
    plan: &Plan,
    image: ImagePixels,
    dataset: &mut Dataset,
) -> crate::Result<()> {
    let refused = crate::Error::dicom(file.path());
    let signed = image.kind == SampleKind::Signed;
    let bytes = match (image.bits_allocated, signed) {
        (8, false) => frames::<u8, 1>(file, plan, &image, u8::to_le_bytes)?,
        (8, true) => frames::<i8, 1>(file, plan, &image, i8::to_le_bytes)?,
        (16, false) => frames::<u16, 2>(file, plan, &image, u16::to_le_bytes)?,
        (16, true) => frames::<i16, 2>(file, plan, &image, i16::to_le_bytes)?,
        (32, false) => frames::<u32, 4>(file, plan, &image, u32::to_le_bytes)?,
        (32, true) => frames::<i32, 4>(file, plan, &image, i32::to_le_bytes)?,
        (bits, _) => {
            let what = format!("blanking compressed pixels of {bits} bits");
            return Err(refused(Fault::Unsupported { what }));
        }
    };
    let vr = if image.bits_allocated > 8 {
        Vr::OW
    } else {
        Vr::OB
    };
    dataset.insert(Element::new(
        Tag::PIXEL_DATA,
        vr,
        Value::Bytes(bytes.into()),
    ));
    dataset.remove(Tag::EXTENDED_OFFSET_TABLE);
    dataset.remove(Tag::EXTENDED_OFFSET_TABLE_LENGTHS);
    let mut describe = || {
        let high = i64::from(image.bits_stored.saturating_sub(1));
        dataset.set_integers(Tag::HIGH_BIT, &[high])?;
        if image.samples == 3 {
            dataset.set_text(Tag::PHOTOMETRIC_INTERPRETATION, "RGB")?;
            dataset.set_integers(Tag::PLANAR_CONFIGURATION, &[0])?;
        }
        Ok(())
    };
    describe().map_err(refused)
}

fn frames<T: Voxel, const N: usize>(
    file: &DicomFile,
    plan: &Plan,
    image: &ImagePixels,
    encode: impl Fn(T) -> [u8; N],
) -> crate::Result<Vec<u8>> {
    let array = match image.samples {
        3 => file.values::<T>()?,
        _ => file.stored::<T>()?,
    };
    let refused = crate::Error::dicom(file.path());
    let [frames, channels, ..] = array.shape();
    let length = array.as_slice().len().saturating_mul(N);
    let claimed = u64::try_from(length).unwrap_or(u64::MAX);
    let claimed = file.budget.claim_bytes("blanked pixels", claimed);
    claimed.map_err(Fault::core("pixels")).map_err(&refused)?;
    let pixels = image.frame_pixels();
    let mut bytes = Vec::with_capacity(length);
    // What was decoded is monochrome, a palette's indices, or red, green, blue: blank is black.
    let blank = match channels {
        1 => blank_of(image, 0).to_le_bytes(),
        _ => [0; 8],
    };
    for frame in 0..frames {
        let planes: Vec<&[T]> = array.frame(frame).chunks(pixels.max(1)).collect();
        for pixel in 0..pixels {
            let blanked = plan.covers(pixel);
            for plane in &planes {
                match plane.get(pixel) {
                    Some(value) if !blanked => bytes.extend(encode(*value)),
                    _ => bytes.extend(blank.iter().take(N)),
                }
            }
        }
    }
    Ok(bytes)
}
