//! Where attributes of one frame stand: in its own group, in the shared one, or at the top
//! (PS3.3 section C.7.6.16).

use super::dataset::Dataset;
use super::tag::Tag;

/// The items of a functional group for a frame; a frame's own go before the shared ones.
pub(crate) fn functional_groups(dataset: &Dataset, frame: usize, group: Tag) -> &[Dataset] {
    let own = dataset.items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let shared = dataset.item(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let items = [own.get(frame), shared].map(|g| g.map_or(&[][..], |g| g.items(group)));
    { items.into_iter() }
        .find(|items| !items.is_empty())
        .unwrap_or_default()
}

/// The first item of a functional group for a frame.
pub(crate) fn functional_group(dataset: &Dataset, frame: usize, group: Tag) -> Option<&Dataset> {
    functional_groups(dataset, frame, group).first()
}

/// The item of a functional group, or the dataset itself in a classic image.
pub(crate) fn group_or_top(dataset: &Dataset, frame: usize, group: Tag) -> &Dataset {
    functional_group(dataset, frame, group).unwrap_or(dataset)
}
