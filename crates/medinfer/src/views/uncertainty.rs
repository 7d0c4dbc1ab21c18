//! How far views of an image lie apart, voxel by voxel.

use medcore::Image;

/// What predictions of an image and of further views of it have in common and in what they differ, on the
/// grid of the image; [`Uncertainty`](crate::Uncertainty) for voxels.
///
/// A voxel that a view does not show is a matter of the others.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VoxelUncertainty<const D: usize> {
    /// Number of views, the image as it is among them.
    pub answers: usize,
    /// Mean probability of each class, `[classes, ...image]`.
    pub mean: Image<f32, D>,
    /// Variance of the probability of each class over the views (divided by their number), `[classes,
    /// ...image]`.
    pub variance: Image<f32, D>,
    /// Entropy of the mean, in nats: all uncertainty. Of regions the sum of theirs. `[1, ...image]`.
    pub entropy: Image<f32, D>,
    /// What the views do not agree on, in nats: the entropy of the mean less the mean of the entropies. `[1,
    /// ...image]`.
    pub mutual_information: Image<f32, D>,
    /// Volume of each class in each view, `[views][classes]`, in mm³ (in images mm²): that of the voxels
    /// whose largest probability is the class's, or of regions those above one half. Voxels that a view does
    /// not show count as the views before it had them.
    pub volumes: Vec<Vec<f64>>,
}

impl<const D: usize> VoxelUncertainty<D> {
    /// The volume variation coefficient of a class: the standard deviation of its volumes (divided by their
    /// number) over their mean (Wang et al., Neurocomputing 2019, <https://arxiv.org/abs/1807.07356>).
    ///
    /// `None` where there is no such class, and where no view has it. MONAI's number of this name is another
    /// one: that of all probabilities of all voxels together.
    #[must_use]
    pub fn volume_variation(&self, class: usize) -> Option<f64> {
        let volumes = self.volumes.iter().map(|view| view.get(class).copied());
        let volumes: Vec<f64> = volumes.collect::<Option<_>>()?;
        let count = volumes.len() as f64;
        let mean = volumes.iter().sum::<f64>() / count;
        let squares = volumes.iter().map(|v| (v - mean) * (v - mean));
        let variance = squares.sum::<f64>() / count;
        (mean > 0.0).then(|| variance.sqrt() / mean)
    }
}
