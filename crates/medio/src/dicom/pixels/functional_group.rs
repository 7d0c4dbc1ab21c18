//! Where attributes of one frame stand: in its own group, in the shared one, or at the top
//! (PS3.3 section C.7.6.16).

use super::super::dataset::Dataset;
use super::super::tag::Tag;

/// The item of a functional group for a frame; a frame's own goes before the shared one.
pub(crate) fn functional_group(dataset: &Dataset, frame: usize, group: Tag) -> Option<&Dataset> {
    let own = dataset.items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let own = own.get(frame).and_then(|groups| groups.item(group));
    own.or_else(|| {
        let shared = dataset.item(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)?;
        shared.item(group)
    })
}

/// The item of a functional group, or the dataset itself in a classic image.
pub(crate) fn group_or_top(dataset: &Dataset, frame: usize, group: Tag) -> &Dataset {
    functional_group(dataset, frame, group).unwrap_or(dataset)
}
