//! How often a network halves each axis, and which of its kernels reach across slices.

use serde::{Deserialize, Serialize};

/// Shortest edge of a feature map that may still be halved into two of this length.
const SHORTEST_EDGE: f64 = 4.0;
/// Axes whose spacings differ by less than this are treated alike.
const SIMILAR: f64 = 2.0;
/// Edge of a kernel that is not flat.
const KERNEL: usize = 3;

/// Strides, kernels and the patch that fits them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Topology {
    /// Stride of the first convolution of every stage; the first stage has none.
    pub(super) strides: Vec<Vec<usize>>,
    /// Kernel of every stage.
    pub(super) kernels: Vec<Vec<usize>>,
    /// Voxels along each axis, a multiple of `divisible`.
    pub(super) patch: Vec<usize>,
    /// How many voxels along each axis become one.
    pub(super) divisible: Vec<usize>,
}

impl Topology {
    /// Halves axes as long as they are long enough and not coarser than the finest of them; a kernel is flat
    /// along an axis until its spacing has come near that of the finest.
    pub(super) fn of(spacing: &[f64], size: &[f64]) -> Self {
        let axes = spacing.len();
        let (mut current_spacing, mut current_size) = (spacing.to_vec(), size.to_vec());
        let mut kernel = vec![1; axes];
        let mut divisible = vec![1; axes];
        let (mut strides, mut kernels) = (vec![vec![1; axes]], vec![]);
        loop {
            let long: Vec<usize> = (0..axes)
                .filter(|&a| current_size[a] >= 2.0 * SHORTEST_EDGE)
                .collect();
            let finest = least(long.iter().map(|&a| current_spacing[a]));
            let halved: Vec<usize> = long
                .into_iter()
                .filter(|&a| current_spacing[a] / finest < SIMILAR)
                .collect();
            match halved[..] {
                [] => break,
                [only] if current_size[only] < 3.0 * SHORTEST_EDGE => break,
                _ => {}
            }
            let finest = least(current_spacing.iter().copied());
            for a in 0..axes {
                if current_spacing[a] / finest < SIMILAR {
                    kernel[a] = KERNEL;
                }
            }
            let mut stride = vec![1; axes];
            for a in halved {
                stride[a] = 2;
                divisible[a] *= 2;
                current_spacing[a] *= 2.0;
                current_size[a] = (current_size[a] / 2.0).ceil();
            }
            strides.push(stride);
            kernels.push(kernel.clone());
        }
        kernels.push(vec![KERNEL; axes]);
        let patch = size
            .iter()
            .zip(&divisible)
            .map(|(&size, &divisor)| (size.ceil() as usize).next_multiple_of(divisor))
            .collect();
        Self {
            strides,
            kernels,
            patch,
            divisible,
        }
    }
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

/// Which U-Net is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Convolutions in a row (`PlainConvUNet`).
    #[default]
    Plain,
    /// Residual blocks on the way down, one convolution a stage on the way up (`ResidualEncoderUNet`).
    ResidualEncoder,
}

/// A U-Net as a plan describes it; lists begin at the full resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedNetwork {
    /// Which U-Net.
    pub kind: NetworkKind,
    /// Features of every stage.
    pub features: Vec<usize>,
    /// Kernel of every stage, one entry an axis.
    pub kernels: Vec<Vec<usize>>,
    /// Stride of the first convolution of every stage, one entry an axis.
    pub strides: Vec<Vec<usize>>,
    /// Convolutions, or residual blocks, of every stage on the way down.
    pub encoder_blocks: Vec<usize>,
    /// Convolutions of every stage on the way up, one stage fewer.
    pub decoder_blocks: Vec<usize>,
}

impl PlannedNetwork {
    pub(super) fn new(kind: NetworkKind, topology: &Topology) -> Self {
        let stages = topology.strides.len();
        let most_features = if topology.patch.len() == 2 { 512 } else { 320 };
        let doublings = (0..stages).scan(32_usize, |features, _| {
            let now = *features;
            *features = (now * 2).min(most_features);
            Some(now)
        });
        let (encoder, decoder) = match kind {
            NetworkKind::Plain => ([2; 4], 2),
            NetworkKind::ResidualEncoder => ([1, 3, 4, 6], 1),
        };
        Self {
            kind,
            features: doublings.collect(),
            kernels: topology.kernels.clone(),
            strides: topology.strides.clone(),
            encoder_blocks: (0..stages).map(|s| encoder[s.min(3)]).collect(),
            decoder_blocks: vec![decoder; stages - 1],
        }
    }

    /// Numbers in all feature maps that convolutions make of one patch, nnU-Net's measure of the memory that
    /// training takes (`compute_conv_feature_map_size`), without deep supervision.
    #[must_use]
    pub fn feature_map_size(&self, patch: &[usize], classes: usize) -> f64 {
        let voxels = |size: &[usize]| size.iter().map(|&n| n as f64).product::<f64>();
        let mut size = patch.to_vec();
        let mut total = 0.0;
        if self.kind == NetworkKind::ResidualEncoder {
            total += self.features.first().map_or(0.0, |&f| f as f64) * voxels(&size);
        }
        let mut skips = vec![];
        for (stage, stride) in self.strides.iter().enumerate() {
            for (n, s) in size.iter_mut().zip(stride) {
                *n /= s;
            }
            let maps = match self.kind {
                NetworkKind::Plain => self.encoder_blocks[stage],
                // The skip of a block that halves its input has a convolution of its own.
                NetworkKind::ResidualEncoder => {
                    2 * self.encoder_blocks[stage] + usize::from(stride.iter().any(|&s| s > 1))
                }
            };
            let one = self.features[stage] as f64 * voxels(&size);
            total += maps as f64 * one;
            skips.push(one);
        }
        for (&blocks, one) in self.decoder_blocks.iter().zip(&skips) {
            total += (blocks + 1) as f64 * one; // one more of the transposed convolution
        }
        total + classes as f64 * voxels(patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_networks_are_as_large_as_nnunet_says() {
        let cube = Topology::of(&[1.0; 3], &[128.0; 3]);
        assert_eq!(cube.strides.len(), 6);
        let network = PlannedNetwork::new(NetworkKind::ResidualEncoder, &cube);
        // dynamic_network_architectures 0.4.4: `compute_conv_feature_map_size` of these networks.
        assert_eq!(network.feature_map_size(&[128; 3], 3), 557_420_544.0);
        let square = Topology::of(&[1.0; 2], &[512.0; 2]);
        let mut network = PlannedNetwork::new(NetworkKind::ResidualEncoder, &square);
        assert_eq!(network.features, [32, 64, 128, 256, 512, 512, 512, 512]);
        for list in [&mut network.features, &mut network.encoder_blocks] {
            list.pop();
        }
        network.strides.pop();
        network.decoder_blocks.pop();
        assert_eq!(network.feature_map_size(&[512; 2], 3), 129_531_904.0);
    }

    #[test]
    fn thick_slices_are_halved_late_and_their_kernels_are_flat_first() {
        let thick = Topology::of(&[5.0, 1.0, 1.0], &[20.0, 250.0, 256.0]);
        assert_eq!(thick.patch, [20, 256, 256]);
        assert_eq!(
            thick.kernels[..3],
            [vec![1, 3, 3], vec![1, 3, 3], vec![3; 3]]
        );
        assert_eq!(
            thick.strides[1..4],
            [vec![1, 2, 2], vec![1, 2, 2], vec![2; 3]]
        );
    }
}
