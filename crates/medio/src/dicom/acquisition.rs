//! How an image was acquired, as far as it helps to choose among series.

use super::dataset::Dataset;
use super::functional_group::{functional_group, group_or_top};
use super::tag::Tag;

/// What is kept of a file's header to choose among series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Acquisition {
    /// `ImageType`
    pub image_type: Vec<String>,
    /// `ConvolutionKernel`, for instance `B30f`; several values are joined by `\`.
    pub kernel: Option<String>,
    /// `BodyPartExamined`
    pub body_part: Option<String>,
    /// `ProtocolName`
    pub protocol: Option<String>,
    /// Whether a contrast agent is named.
    pub contrast: bool,
    /// `ContrastBolusAgentPhase`, for instance `PORTAL_VENOUS`; never guessed from descriptions.
    pub phase: Option<String>,
}

impl Acquisition {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let group = |tag| group_or_top(dataset, 0, tag);
        let kernels = group(Tag::CT_RECONSTRUCTION_SEQUENCE).strings(Tag::CONVOLUTION_KERNEL);
        let kernel = Some(kernels.join("\\")).filter(|kernel| !kernel.is_empty());
        let usage = functional_group(dataset, 0, Tag::CONTRAST_BOLUS_USAGE_SEQUENCE)
            .or_else(|| dataset.item(Tag::CONTRAST_BOLUS_USAGE_SEQUENCE));
        let agents = dataset.items(Tag::CONTRAST_BOLUS_AGENT_SEQUENCE);
        Self {
            image_type: dataset.strings(Tag::IMAGE_TYPE),
            kernel,
            body_part: dataset.string(Tag::BODY_PART_EXAMINED),
            protocol: dataset.text(Tag::PROTOCOL_NAME),
            contrast: dataset.has_value(Tag::CONTRAST_BOLUS_AGENT) || !agents.is_empty(),
            phase: usage
                .unwrap_or(dataset)
                .string(Tag::CONTRAST_BOLUS_AGENT_PHASE),
        }
    }
}
